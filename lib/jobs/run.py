"""One job in a process of its own: `python -m lib.jobs.run JOB_ID` (the launcher starts it, nobody else)."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import time
import traceback
from typing import Any

from lib.database.models import FAILED, FINISHED, STOPPED
from lib.errors import Stopped, StorageError, StudioError
from lib.jobs import memory, queue
from lib.jobs.context import JobContext

END_SECONDS = 60.0  # a database that cannot be written (a full disk, say) may take it a little later


def main(job_id: int) -> int:
    """Run the job to its end and write its state. Returns the exit status: 0, or 1 when it failed."""
    job = queue.begin(job_id)
    if job is None:
        return 0
    with JobContext(job_id) as context:
        signal.signal(signal.SIGTERM, lambda *_: context.request_stop())
        status, result, error = _call(job.kind, job.payload, context)
    _end(job_id, status, result, error, context.progress_now)
    return 0 if status != FAILED else 1


def _call(kind: str, payload: dict[str, Any], context: JobContext) -> tuple[str, Any, Any]:
    try:
        module, function = queue.KINDS[kind][1].split(":")
        result = getattr(importlib.import_module(module), function)(payload, context)
        return (STOPPED if context.stopping else FINISHED), result, None
    except Stopped as error:
        _say(error)
        return STOPPED, None, error.to_dict()
    except StudioError as error:
        _say(error)
        return FAILED, None, error.to_dict()
    except OSError as error:
        _say(traceback.format_exc())
        return FAILED, None, StorageError(f"The system refused: {error}.", "Check disk space and rights.").to_dict()
    except MemoryError:
        _say(traceback.format_exc())
        return FAILED, None, memory.named("The system gave no more")
    except Exception as error:  # the last boundary: whatever it is, the job must not stay "running"
        _say(traceback.format_exc())
        return FAILED, None, _unexpected(f"{type(error).__name__}: {str(error)[:500]}", "The log has the details.")


def _end(job_id: int, *state: Any) -> None:
    """Write how the job ended, again and again for a while: without it the job counts as killed."""
    deadline = time.monotonic() + END_SECONDS
    while True:
        try:
            return queue.end(job_id, *state)
        except StudioError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)


def _say(text: object) -> None:
    with contextlib.suppress(OSError):  # the log's disk may be the one that is full
        print(text, flush=True)


def _unexpected(message: str, hint: str) -> dict[str, str]:
    return {"error": "Unexpected", "message": message, "hint": hint}


if __name__ == "__main__":
    status = main(int(sys.argv[1]))
    sys.stdout.flush()
    # Threads of native libraries can hang an orderly exit, and everything is written by now.
    os._exit(status)
