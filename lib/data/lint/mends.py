"""What can be done about a finding of the lint without asking anyone, for kinds with a `mend` in `LINTS`.

propose("whitespace_eaten", conversation, settings.linter())

A row that is mended, and not deleted, is not found for the same reason again. None where the row has no such finding,
or where only a person can decide.
"""

from __future__ import annotations

from collections.abc import Callable

from lib.data.checks import mends as checks
from lib.data.checks.mends import Mend
from lib.formats.escaping import escapable, escape_tags
from lib.formats.lint import LINTS, Linter, changed, eaten
from lib.records import Conversation, Message


def propose(kind: str, conversation: Conversation, linter: Linter) -> Mend | None:
    """What to do about a row with a finding of this kind."""
    make = _MENDS.get(kind)
    if make is None or not _found(kind, conversation, linter):
        return None
    mend = make(conversation, linter)
    if mend is None or mend.conversation is None:
        return mend
    return None if _found(kind, mend.conversation, linter) else mend


def _found(kind: str, conversation: Conversation, linter: Linter) -> bool:
    found = linter([conversation])[0].findings if kind in _OF_TOKENS else linter.of_texts(conversation)
    return any(finding.kind == kind for finding in found)


def _delete(conversation: Conversation, linter: Linter) -> Mend:
    return Mend("Delete the row", delete=True)


def _escape(conversation: Conversation, linter: Linter) -> Mend:
    tags = escapable(linter.template, linter.tokenizer)
    return Mend("Write marks with a backslash", conversation=escape_tags(conversation, tags))


def _join(conversation: Conversation, linter: Linter) -> Mend | None:
    return checks.propose("role_order", conversation)


def _write_system(conversation: Conversation, linter: Linter) -> Mend:
    system = Message("system", linter.default_system)
    return Mend(
        "Write the system prompt into the row",
        conversation=Conversation((system, *conversation.messages), conversation.extra),
    )


def _strip(conversation: Conversation, linter: Linter) -> Mend:
    stripped = conversation
    for index, field, side in eaten(conversation, linter.render(conversation), linter.render):
        text = getattr(stripped.messages[index], field)
        stripped = changed(stripped, index, field, text.lstrip() if side == "start" else text.rstrip())
    return Mend("Strip the texts", conversation=stripped)


_MENDS: dict[str, Callable[[Conversation, Linter], Mend | None]] = {
    "no_answer": _delete,
    "nothing_left": _delete,
    "too_long": _delete,
    "tags_in_text": _escape,
    "specials_in_text": _escape,
    "cannot_carry": _join,
    "own_system_prompt": _write_system,
    "whitespace_eaten": _strip,
}
_OF_TOKENS = {"nothing_left", "too_long"}
assert {name for name, kind in LINTS.items() if kind.mend} == set(_MENDS)
