"""What can go wrong, in words a user can act on.

    StudioError                  message: what happened; hint: what to do next
      ├── NotFound               no dataset, run, model or template of that name
      ├── BadInput               a source or a setting that cannot be used
      │     ├── BadRows          some rows of a source cannot be read; carries the refusals
      │     ├── BadSettings      faults of a configuration, all of them at once
      │     ├── CannotStart      a run that its plan speaks against; suggests settings
      │     └── EmptySource      a file of a source holds no rows (lib.data.sources)
      ├── CannotCarry            a template has no place for this conversation
      ├── ModelError             a model or adapter that cannot be loaded or does not fit
      │     ├── TemplateError    a template in Jinja is broken or fails; says where (lib.formats.jinja)
      │     └── TrainingFault    memory ran out, or a run diverged; suggests settings (lib.training.trainer)
      ├── StorageError           disk full, folder not writable, a file cut off
      ├── WrongState             the object is there, but not in a state for this
      │     └── Conflict         somebody else has edited the row since (lib.data.edits)
      └── Stopped                a job was asked to stop and has nothing to keep

Everything below `lib` raises these; errors of libraries are translated where they are called.
Screens and commands print `message` and `hint`, never a traceback.
"""

from __future__ import annotations

from typing import Any


class StudioError(Exception):
    """An expected failure: `message` says what happened, `hint` what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_dict(self) -> dict[str, Any]:
        """`{"error": kind, "message", "hint"}`, as stored with a failed job and printed by `--json`."""
        return {"error": type(self).__name__, "message": self.message, "hint": self.hint}


class NotFound(StudioError):
    """No object of that name."""


class BadInput(StudioError):
    """A source or a setting that cannot be used as it is."""


class BadRows(BadInput):
    """Some rows of a source cannot be read. `report` is the `ImportReport`, refusals included."""

    def __init__(self, message: str, hint: str = "", report: Any = None) -> None:
        super().__init__(message, hint)
        self.report = report

    def to_dict(self) -> dict[str, Any]:
        report = self.report.to_dict() if self.report is not None else None
        return {**super().to_dict(), "report": report}


class BadSettings(BadInput):
    """Faults of a configuration: `faults` maps a setting's name to what is wrong with it."""

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        listed = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        super().__init__(f"The settings cannot be used: {listed}.", "Correct what is named.")

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "faults": self.faults}


class CannotStart(BadInput):
    """A run that its plan speaks against: `faults` by setting or part; `suggest`: settings with which it would fit."""

    def __init__(self, faults: dict[str, str], suggest: dict[str, Any], hint: str) -> None:
        self.faults, self.suggest = faults, suggest
        super().__init__(f"The run cannot start. {' '.join(faults.values())}", hint)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "faults": self.faults, "suggest": self.suggest}


class CannotCarry(StudioError):
    """A template has no place for this conversation; the message names template and reason."""


class ModelError(StudioError):
    """A model or adapter that cannot be loaded, or that does not fit the other."""


class StorageError(StudioError):
    """Disk full, folder not writable, a stored file that was cut off."""


class WrongState(StudioError):
    """The object exists, but this cannot be done to it now."""


class Stopped(StudioError):
    """A job was asked to stop and has nothing worth keeping: raised by the job's function."""
