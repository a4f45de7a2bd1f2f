"""Data checks: what is wrong, or may be, in the rows of a dataset.

report = run_checks_of(get("support-desk"))
report.counts(); report.rows_of("cut_off"); report.to_dict()
"""

from lib.data.checks.catalogue import CHECKS
from lib.data.checks.report import Check, CheckReport, Finding, Settings
from lib.data.checks.run import run_checks, run_checks_of

__all__ = ["CHECKS", "Check", "CheckReport", "Finding", "Settings", "run_checks", "run_checks_of"]
