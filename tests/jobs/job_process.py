"""`lib.jobs.run` with the kinds of these tests: `python -m tests.jobs.job_process JOB_ID`."""

import os
import sys

from lib.jobs import run
from tests.jobs import handlers

if __name__ == "__main__":
    handlers.add_kinds()
    status = run.main(int(sys.argv[1]))
    sys.stdout.flush()
    os._exit(status)
