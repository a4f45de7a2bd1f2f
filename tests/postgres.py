"""A real PostgreSQL server, started on a free port; conftests of the tests that need it take its fixtures from here."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(shutil.which("pg_ctl") or "missing")]


@pytest.fixture(scope="session")
def server():
    """The address of a fresh server; PostgreSQL refuses to run as root, so root starts it as `postgres`."""
    pg_ctl = BINARIES[-1]
    if not pg_ctl.exists():
        pytest.skip("NO POSTGRESQL SERVER ON THIS MACHINE: the team database is not tested here")
    folder = Path(tempfile.mkdtemp(prefix="studio-postgres-"))  # pytest's own folders are for nobody but its user
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_user = []
    if getpass.getuser() == "root":
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
    run = {"stdout": subprocess.DEVNULL, "cwd": folder}
    control = [*as_user, pg_ctl, "-D", data]
    subprocess.run([*as_user, pg_ctl.parent / "initdb", "-D", data, "-A", "trust", "-U", "studio"], check=True, **run)
    subprocess.run([*control, "-o", options, "-l", folder / "log", "-w", "start"], check=True, **run)
    yield f"postgresql+psycopg://studio@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, **run)
    shutil.rmtree(folder)


@pytest.fixture
def postgres(server, monkeypatch):
    """An empty database of the server, as the studio's."""
    name = f"studio_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    monkeypatch.setenv("STUDIO_DATABASE_URL", server.rpartition("/")[0] + f"/{name}")
