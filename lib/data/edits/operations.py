"""What can be done to many rows at once.

Operation("status", "accepted")          Operation("tag", "checked")       Operation("delete")
Operation("replace", "colour", {"by": "color", "case": False})             Operation("mend", "mojibake")
Operation("lint-mend", "tags_in_text", {"template": "llama2", "model": "starter", "max_length": 512, "escape": False})
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import regex

from lib.data.checks.catalogue import CHECKS
from lib.data.columns import SPLIT, STATUS, TAGS
from lib.data.edits.overlay import DELETED
from lib.data.edits.state import STATUSES, check_tag
from lib.data.lint.settings import LintSettings
from lib.data.splits.hashed import SPLITS
from lib.errors import BadInput
from lib.formats.lint import LINTS, Linter
from lib.records import Conversation, replace_text

SECONDS = 1.0  # that a pattern may spend on one text before it is given up

# kind -> what it does to all rows, with {} for the value; those in SQL set one column of the state
LABELS = {
    "status": "set the status to {}",
    "tag": "add the tag {}",
    "untag": "remove the tag {}",
    "split": "move to the split {}",
    "delete": "delete",
    "restore": "restore",
    "replace": "replace {}",
    "mend": "mend what the check found: {}",
    "lint-mend": "mend what the lint found: {}",
}
SQL: dict[str, tuple[str, str]] = {
    "status": (STATUS, "?"),
    "tag": (TAGS, f"list_sort(list_distinct(list_append({TAGS}, ?)))"),
    "untag": (TAGS, f"list_filter({TAGS}, lambda tag: tag <> ?)"),
    "split": (SPLIT, "?"),
    "delete": (DELETED, "true"),
    "restore": (DELETED, "false"),
}


@dataclass(frozen=True)
class Operation:
    """`value`: the status, tag, split, text to find, check, or kind of finding.

    `options` of `replace`: `by`, `case`, `words`, `regex`; of `lint-mend`: those of `LintSettings`.

    Raises:
        BadInput: an unknown kind, or a value that does not fit it.
    """

    kind: str
    value: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in LABELS:
            raise BadInput(f"There is no operation {self.kind!r}.", f"Known: {', '.join(LABELS)}.")
        allowed = {"status": STATUSES, "split": SPLITS}.get(self.kind)
        if allowed and self.value not in allowed:
            raise BadInput(f"There is no {self.kind} {self.value!r}.", f"Known: {', '.join(allowed)}.")
        if self.kind in ("tag", "untag"):
            check_tag(self.value)
        if self.kind == "replace":
            self.pattern()
        if self.kind == "lint-mend":
            self.lint_settings()

    @property
    def label(self) -> str:
        """What it does, in words."""
        if self.kind == "replace":
            return f"replace “{self.value}” by “{self.options.get('by', '')}”"
        known: dict[str, str] = {}
        if self.kind in ("mend", "lint-mend"):
            known = {one.name: one.label.lower() for one in (CHECKS if self.kind == "mend" else LINTS).values()}
        return LABELS[self.kind].format(known.get(self.value, self.value))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "value": self.value, "options": self.options}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Operation:
        return cls(value["kind"], value["value"], value["options"])

    def lint_settings(self) -> LintSettings:
        """With what the rows of a `lint-mend` are looked at.

        Raises:
            BadInput: no such kind of finding, none that can be mended, or settings are missing.
        """
        kind = LINTS.get(self.value)
        if kind is None or not kind.mend:
            listed = ", ".join(name for name, kind in LINTS.items() if kind.mend)
            raise BadInput(f"Findings of the kind {self.value!r} cannot be mended.", f"Those can: {listed}.")
        try:
            return LintSettings.from_dict(self.options)
        except KeyError as error:
            raise BadInput(
                f"The lint's {error.args[0]} is not given.", "Give template, model and max_length."
            ) from error

    @cached_property
    def linter(self) -> Linter:
        """What looks at the rows of a `lint-mend`: as template and model are when it is first asked for.

        Raises:
            NotFound, ModelError: no such template or model, or one that cannot be used.
        """
        return self.lint_settings().linter()

    def pattern(self) -> regex.Pattern[str]:
        """What `replace` looks for.

        Raises:
            BadInput: nothing to look for, or a pattern that cannot be read.
        """
        if not self.value:
            raise BadInput("There is nothing to look for.", "Write the text to replace.")
        text = self.value if self.options.get("regex") else regex.escape(self.value)
        return _compiled(text, bool(self.options.get("words")), bool(self.options.get("case", True)))

    @property
    def plain_text(self) -> str:
        """What a column must contain, case aside, for `replace` to change it; empty where that cannot be said.

        JSON may write quotes and everything that is not ASCII in another way, a pattern may mean anything.
        """
        plain = self.value.isascii() and self.value.isprintable() and not set(self.value) & set('"\\/')
        return self.value if plain and not self.options.get("regex") else ""

    def _by(self) -> str | Callable[[regex.Match[str]], str]:
        by = str(self.options.get("by", ""))
        return by if self.options.get("regex") else lambda _: by

    def replaced(self, conversation: Conversation) -> Conversation:
        """The conversation with the text replaced in every turn.

        Raises:
            BadInput: the pattern takes too long on this text, or what to put in its place cannot be read.
        """
        pattern, by = self.pattern(), self._by()

        def change(text: str) -> str:
            try:
                return pattern.sub(by, text, timeout=SECONDS)
            except TimeoutError as error:
                raise BadInput(f"The pattern takes more than {SECONDS:g} s on one text.", "Make it simpler.") from error
            except (regex.error, IndexError) as error:  # of the replacement: it is read at the first match
                raise _unusable(error) from error

        return replace_text(conversation, change)


@lru_cache(maxsize=16)
def _compiled(text: str, words: bool, case: bool) -> regex.Pattern[str]:
    try:
        return regex.compile(rf"(?<!\w)(?:{text})(?!\w)" if words else text, 0 if case else regex.IGNORECASE)
    except (regex.error, OverflowError, RecursionError) as error:
        raise _unusable(error) from error


def _unusable(error: Exception) -> BadInput:
    return BadInput(f"The pattern cannot be used: {error}.", "Mend it, or switch patterns off.")
