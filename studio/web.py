"""The web process: Streamlit with the studio's app. `python -m studio.web HOST PORT`, started by `studio.serve`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

from lib.settings import settings


def main(host: str, port: int) -> None:
    """Serve until the supervisor goes away or sends SIGTERM."""
    from streamlit.web import bootstrap

    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    threading.Thread(target=_warm_up, daemon=True).start()
    options = {
        "server_address": host,
        "server_port": port,
        "server_maxUploadSize": settings.upload_limit_mb,
    }
    bootstrap.load_config_options(flag_options=options)
    bootstrap.run(str(Path(__file__).parent / "app.py"), False, [], options)


def _warm_up() -> None:
    """Import what the first page needs, and open the database, while the browser is still on its way."""
    with contextlib.suppress(Exception):  # whatever is wrong is said on the page, where somebody reads it
        from lib import overview

        overview.read()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
