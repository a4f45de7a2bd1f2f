r"""Prompt and completion with no marks: the question, a blank line, the answer.

The blank line tells the two apart when the text is read: the first one ends the question. A line break alone would
forbid all questions of several lines, and nothing at all, as in
https://huggingface.co/docs/trl/dataset_formats (prompt-completion), could never be read back. A context follows the
question as in the other templates without a place for it, and ends at the next blank line. Questions that hold a blank
line or end with a line break are refused by name. Texts are carried as they are.
"""

from __future__ import annotations

from lib.errors import BadInput, CannotCarry
from lib.formats import context
from lib.formats.checks import refuse_marks
from lib.formats.segments import LITERAL, Segment, Specials, begin_of, split_end
from lib.formats.template import Template
from lib.records import Conversation, Message

SEPARATOR = "\n\n"
_HINT = "Write it as the question, a blank line, and the answer."
_ANOTHER = "Take the blank lines out, leave the row out, or choose another template."


def _write(conversation: Conversation, specials: Specials) -> list[Segment]:
    user, *answers = conversation.messages
    (question, *_) = context.written(Conversation((user,)), "plain")
    _check_split(
        question, "", "1 (user): a blank line ends the question here, and the text has one, or a last line break"
    )
    out = [Segment(specials.bos, False, True), Segment(question + SEPARATOR, False)]
    for answer in answers:
        _check_split(question, answer.content, "2 (assistant): it starts as the input of a question would")
        out += [Segment(answer.content, True), Segment(specials.eos, True, True)]
    return out


def _check_split(question: str, answer: str, reason: str) -> None:
    """Refuse texts that would be taken apart elsewhere when they are read."""
    if _split(question + SEPARATOR + answer) != (question, answer):
        raise CannotCarry(f"plain cannot carry message {reason}.", _ANOTHER)


def _split(text: str) -> tuple[str, str]:
    """Question, with its context when it has one, and answer."""
    end = text.find(SEPARATOR)
    if text.startswith(context.SEPARATOR, end):
        after = text.find(SEPARATOR, end + len(context.SEPARATOR))
        end = after if after >= 0 else end
    return text[:end], text[end + len(SEPARATOR) :]


def _read(text: str, specials: Specials) -> Conversation:
    text = text.removeprefix(begin_of(specials))
    if SEPARATOR not in text:
        raise BadInput("There is no blank line between a question and an answer.", _HINT)
    question, rest = _split(text)
    answer, ended = split_end(rest, specials.eos)
    user = context.user_message(question)
    messages = (user, Message("assistant", answer)) if ended or answer.strip() else (user,)
    refuse_marks(messages, frozenset(), specials, _HINT)
    return Conversation(messages)


PLAIN = Template(
    name="plain",
    label="Plain prompt and completion",
    help="The question, a blank line, the answer, and no marks. For base models that are to go on from a text.",
    segments=lambda conversation, specials, _: _write(conversation, specials),
    parse=_read,
    literal=Specials("", LITERAL.eos, LITERAL.known),
    one_pair=True,
    joint="\n",
)
