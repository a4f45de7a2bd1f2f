"""The peak memory of a process of its own, for tests and measurements of memory."""

from __future__ import annotations

import json
from typing import Any

from tests.helpers import python

# Linux hands a parent's peak on to its child in ru_maxrss; VmHWM begins anew.
_SCRIPT = """
import json, re, resource, sys
from pathlib import Path
{code}
try:
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([result, peak]))
"""


def measured(code: str, *arguments: str) -> tuple[Any, int]:
    """What `code` leaves in `result` (a JSON value), and the peak memory in bytes of the process that ran it."""
    process = python("-c", _SCRIPT.format(code=code), *arguments)
    out, errors = process.communicate(timeout=300)
    if process.returncode:
        raise RuntimeError(errors)
    result, peak = json.loads(out)
    return result, peak
