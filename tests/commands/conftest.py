"""Commands in this process, as `python -m studio` runs them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from studio.__main__ import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on standard output, by the letter of the standard: no NaN, no Infinity."""
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`command("datasets", "--json")`; an exception that gets out of `main` would be a traceback for the user."""

    def run(*arguments: str, input: str = "") -> Result:
        monkeypatch.setattr(sys, "argv", ["studio", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input.encode())))
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        return Result(code, *capsys.readouterr())

    return run
