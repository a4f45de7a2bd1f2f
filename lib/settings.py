"""Every setting of the studio: name, default, help, environment variable. One table, read on each access.

>>> from lib.settings import settings
>>> settings.home
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lib.errors import BadInput

Number = TypeVar("Number", int, float)
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Setting:
    """One row of the table. `default` is text, as an environment variable would give it."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        return f"STUDIO_{self.name.upper()}"

    @property
    def value(self) -> str:
        return os.environ.get(self.variable) or self.default

    @property
    def source(self) -> str:
        return f"environment ({self.variable})" if os.environ.get(self.variable) else "default"


def _machine_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in containers, where the user's number has no name
        return "user"


TABLE = (
    Setting("home", str(ROOT / "data"), "Folder of everything the studio stores: database, datasets, models, runs."),
    Setting("database_url", "", "SQLAlchemy URL of the database; empty means studio.db (SQLite) in the home folder."),
    Setting("user", _machine_user(), "Name written beside what you do in the activity list."),
    Setting("engine_idle_seconds", "600", "The inference engine gives its memory back after so many idle seconds."),
    Setting("upload_limit_mb", "2000", "Largest file that the Datasets page takes by upload, in megabytes."),
    Setting("worker_poll_seconds", "0.5", "How often the worker looks for new jobs, in seconds."),
)


class Settings:
    """Typed access to the table.

    Raises:
        BadInput: a number is none; whichever of them is asked for.
    """

    def _setting(self, name: str) -> Setting:
        return next(setting for setting in TABLE if setting.name == name)

    def _value(self, name: str) -> str:
        return self._setting(name).value

    def _number(self, name: str, kind: type[Number]) -> Number:
        setting = self._setting(name)
        try:
            return kind(setting.value)
        except ValueError as error:
            raise BadInput(
                f"{setting.variable} is {setting.value!r}, which is not {'a whole' if kind is int else 'a'} number.",
                f"Set it to one, such as {setting.default}, or unset it, and start the studio again.",
            ) from error

    def check(self) -> None:
        """Read every setting once."""
        for setting in TABLE:
            getattr(self, setting.name)

    @property
    def home(self) -> Path:
        return Path(self._value("home")).expanduser().resolve()

    @property
    def database_url(self) -> str:
        return self._value("database_url") or f"sqlite:///{self.home / 'studio.db'}"

    @property
    def user(self) -> str:
        return self._value("user")

    @property
    def engine_idle_seconds(self) -> float:
        return self._number("engine_idle_seconds", float)

    @property
    def upload_limit_mb(self) -> int:
        return self._number("upload_limit_mb", int)

    @property
    def worker_poll_seconds(self) -> float:
        return self._number("worker_poll_seconds", float)


settings = Settings()
