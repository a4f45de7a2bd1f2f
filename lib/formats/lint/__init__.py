"""Lint: what is wrong, or may be, with rows once a template and a tokenizer have written them.

lint_row(conversation, "llama2", tokenizer, 512)      lint_model("llama2", tokenizer)

kinds       every kind of finding, in words
probes      what a template does to any row: asked with placeholders
rows        findings of rows
whitespace  those of texts that are stripped
"""

from lib.formats.lint.kinds import LINTS, Finding, LintKind, suggestion
from lib.formats.lint.probes import default_system, fingerprint, lint_model
from lib.formats.lint.rows import Linted, Linter, lint_row
from lib.formats.lint.whitespace import changed, eaten

__all__ = [
    "LINTS",
    "Finding",
    "LintKind",
    "Linted",
    "Linter",
    "changed",
    "default_system",
    "eaten",
    "fingerprint",
    "lint_model",
    "lint_row",
    "suggestion",
]
