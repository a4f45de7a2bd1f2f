"""`python -m studio`: the app itself, and every part of its job as a command.

Each command takes `--json` for one JSON document on standard output. Progress goes to standard error. Exit status:
0, 1 for an expected failure (message and what to do next, no traceback), 2 for wrong usage. Where
whoever reads the output has closed it, a command ends with 1 and says nothing.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from pathlib import Path
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:  # the usual slip: the system's Python instead of the environment's
    sys.exit("The studio's libraries are not installed for this Python. Use .venv/bin/python (`make setup` makes it).")

from lib.errors import StudioError

# Module of studio/commands -> its commands. Only what a command line names is imported: opening the app needs none.
COMMANDS = {
    "data": {"import", "datasets", "check"},
    "export": {"export"},
    "show": {"show"},
    "versions": {"versions", "save", "diff", "restore", "branch", "delete"},
    "splits": {"split", "leakage"},
    "formats": {"render", "parse"},
    "templates": {"templates"},
    "train": {"train", "runs", "run", "wait", "stop", "resume"},
    "plan": {"plan"},
    "presets": {"presets"},
    "models": {"models"},
    "package": {"package", "adopt"},
    "ask": {"ask"},
    "compare": {"compare"},
    "comparisons": {"comparisons", "comparison"},
    "prompts": {"prompts"},
    "rules": {"rules", "metrics"},
    "votes": {"votes"},
    "setup": {"setup"},
    "system": {"system"},
}


def studio(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = 8501,
    home: Annotated[Path | None, typer.Option(help="Folder of everything stored (or STUDIO_HOME).")] = None,
    version: Annotated[bool, typer.Option("--version", help="Say which commit this is, and its libraries.")] = False,
) -> None:
    """Open the studio: web server and worker, until Ctrl-C. With a command, do one thing and end."""
    if home:
        os.environ["STUDIO_HOME"] = str(home.expanduser().resolve())
    if version:
        _say_version()
        raise typer.Exit
    if context.invoked_subcommand is None:
        from studio.serve import serve

        serve(host, port)


def _say_version() -> None:
    from lib.settings import ROOT
    from lib.versions import commit_words, git_state, listed, versions

    print(f"Tandem, {commit_words(git_state(ROOT))}; {listed(versions())}")


def build(arguments: list[str]) -> typer.Typer:
    """The command line with the commands that the arguments name, or with all of them for `--help`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback(invoke_without_command=True)(studio)
    for module, names in COMMANDS.items():
        if "--help" in arguments or names & set(arguments):
            importlib.import_module(f"studio.commands.{module}").register(app)
    return app


def main() -> None:
    """Run the command line; expected failures end with exit status 1 and no traceback."""
    try:
        try:
            _run()
        finally:
            sys.stdout.flush()  # at the end of the process nobody could catch what goes wrong
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE) or error.filename:
            raise
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 (what is left in the old one cannot be written either)
        if error.errno == errno.ENOSPC:
            print("Error: The output cannot be written: the disk that it goes to is full.", file=sys.stderr)
            print("What the command was asked to do may be done: look before you repeat it.", file=sys.stderr)
        sys.exit(1)


def _run() -> None:
    try:
        build(sys.argv[1:])(prog_name="python -m studio")
    except StudioError as error:
        from studio.commands.output import fail

        fail(error, as_json="--json" in sys.argv)


if __name__ == "__main__":
    main()
