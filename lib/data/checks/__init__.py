"""Data checks: what is wrong, or may be, in the rows of a dataset.

report = run_checks_of(get("support-desk"))
report.counts(); report.rows_of("cut_off"); report.to_dict()

catalogue  every check by name, in words
report     Check, Finding, CheckReport
run        all checks over the rows of a version, streamed
judge      what a batch of rows shows
helpers    the same in several processes
results    what was found, kept beside the data, read in pages
job        the job `check`
mends      what can be done about a finding without asking anyone

What they look at:
texts      a text or a row by its form
answers    what an answer says
endings    answers that stop in the middle of a sentence
lengths    rows that are too long
language   rows in another language than most
repeats    rows that say the same, or answer one question in different ways
private    personal data and secrets
plain      plain text out of HTML and broken tables
"""

from lib.data.checks.catalogue import CHECKS
from lib.data.checks.report import Check, CheckReport, Finding, Settings
from lib.data.checks.run import run_checks, run_checks_of

__all__ = ["CHECKS", "Check", "CheckReport", "Finding", "Settings", "run_checks", "run_checks_of"]
