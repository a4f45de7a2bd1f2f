"""`python -m studio`: the app itself, and every part of its job as a command.

Each command takes `--json` for one JSON document on standard output. Progress goes to standard error. Exit status:
0, 1 for an expected failure (message and what to do next, no traceback), 2 for wrong usage.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lib.errors import StudioError
from studio.commands import compare, data, formats, setup, train
from studio.commands.output import fail

app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def studio(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8501,
    home: Annotated[Path | None, typer.Option(help="Folder of everything stored (or STUDIO_HOME).")] = None,
) -> None:
    """Open the studio: web server and worker, until Ctrl-C. With a command, do one thing and end."""
    if home:
        os.environ["STUDIO_HOME"] = str(home.expanduser().resolve())
    if context.invoked_subcommand is None:
        from studio.serve import serve

        serve(host, port)


for module in (data, formats, train, compare, setup):
    module.register(app)


def main() -> None:
    """Run the command line; expected failures end with exit status 1 and no traceback."""
    try:
        app(prog_name="python -m studio")
    except StudioError as error:
        fail(error, as_json="--json" in sys.argv)


if __name__ == "__main__":
    main()
