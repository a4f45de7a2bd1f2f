"""Lint of a dataset: what a template and a tokenizer make of all its rows, and what would become of the long ones.

settings = LintSettings("llama2", "starter", 512)
lint(open_copy(info), settings)                results.summary(info, settings)["effects"]["turns"]

settings    with which template, tokenizer and length
run         all rows of a working copy, into a file
tally       what adds up over them
results     what a file says, read
job         the job `lint`
mends       what can be done about a finding without asking anyone
"""

from lib.data.lint.settings import LintSettings

__all__ = ["LintSettings"]
