"""The worker with a launcher for these tests: `python -m tests.jobs.worker_process MODULE [--until-idle]`.

MODULE runs a job: `tests.jobs.job_process`, or one that cannot start.
"""

import sys

from lib.jobs import worker
from lib.jobs.launcher import LocalLauncher

if __name__ == "__main__":
    worker.run(until_idle="--until-idle" in sys.argv, launcher=LocalLauncher(sys.argv[1]))
