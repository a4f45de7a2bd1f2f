"""ChatML and Llama 3: formats that put markers of their own round each message.

ChatML: https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md; Llama 3:
https://github.com/meta-llama/llama3/blob/main/llama/tokenizer.py (`ChatFormat`). Texts are carried as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from lib.errors import BadInput
from lib.formats import context
from lib.formats.segments import BEGINS, ENDS, Segment, Specials, split_specials
from lib.formats.template import Template
from lib.records import Conversation, Message


@dataclass(frozen=True, slots=True)
class _Markers:
    """`{start}{role}{after_role}{text}{end}{after}` for each message; `bos` once, before the first."""

    name: str
    start: str
    after_role: str
    end: str
    after: str
    bos: str
    literals: frozenset[str]


_CHATML = _Markers("chatml", "<|im_start|>", "\n", "<|im_end|>", "\n", "", frozenset({"<|im_start|>", "<|im_end|>"}))
_LLAMA3 = _Markers(
    "llama3",
    "<|start_header_id|>",
    "<|end_header_id|>\n\n",
    "<|eot_id|>",
    "",
    "<|begin_of_text|>",
    frozenset({"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}),
)


def _write(markers: _Markers, conversation: Conversation, specials: Specials, generation: bool) -> list[Segment]:
    known = markers.literals & specials.known
    # Some models name the format's own start marker as their BOS; it would then stand there twice.
    out = [Segment(specials.bos, False, True)] if specials.bos != markers.start else []
    for message, text in zip(conversation.messages, context.written(conversation, markers.name), strict=True):
        out += split_specials(markers.start + message.role + markers.after_role, known)
        if message.role == "assistant":
            out += [Segment(text, True), _end_of_answer(markers, specials), Segment(markers.after, False)]
        else:
            out += [Segment(text, False), *split_specials(markers.end, known), Segment(markers.after, False)]
    if generation:
        out += split_specials(markers.start + "assistant" + markers.after_role, known)
    return out


def _end_of_answer(markers: _Markers, specials: Specials) -> Segment:
    """The format's end of turn when it is one token of the model, otherwise the model's own EOS, or plain text."""
    special = markers.end if markers.end in specials.known else specials.eos
    return Segment(special or markers.end, True, bool(special))


def _read(markers: _Markers, text: str, specials: Specials) -> Conversation:
    """Begin tokens in front of the first marker and an end token behind the last are read over, whichever they are."""
    before, *turns = text.split(markers.start)
    for begin in (specials.bos, *BEGINS):
        before = before.replace(begin, "")
    if before.strip() or not turns:
        raise BadInput(f"The text does not start with {markers.start}.", _hint(markers))
    messages: list[Message] = []
    for number, turn in enumerate(turns, start=1):
        last = number == len(turns)
        if last and messages and turn.strip() in ("assistant", "assistant" + markers.after_role.strip()):
            break
        messages.append(_read_turn(markers, number, turn, last, specials))
    return Conversation(tuple(messages))


def _read_turn(markers: _Markers, number: int, turn: str, last: bool, specials: Specials) -> Message:
    role, separator, rest = turn.partition(markers.after_role)
    if not separator or role not in ("system", "user", "assistant"):
        raise BadInput(f"Turn {number} does not start with system, user or assistant.", _hint(markers))
    closing = _closing(markers, role, rest, specials)
    text, end, after = rest.partition(closing)
    if last and after.strip() in (specials.eos, *ENDS):
        after = ""
    if after.strip() or not (end or last):
        reason = f"has text after {closing}" if end else f"is never closed with {closing}"
        raise BadInput(f"Turn {number} {reason}.", _hint(markers))
    for literal in markers.literals:
        if literal in text:
            raise BadInput(f"Turn {number} holds {literal} inside its text.", _hint(markers))
    return context.user_message(text) if role == "user" else Message(role, text)  # type: ignore[arg-type]


def _closing(markers: _Markers, role: str, rest: str, specials: Specials) -> str:
    """What ends a message: an answer ends as the model at hand ends it, or as another model ended it."""
    if role != "assistant" or (end := _end_of_answer(markers, specials).text) in rest:
        return markers.end if role != "assistant" else end
    return next((other for other in ENDS if rest.rstrip().endswith(other)), end)


def _hint(markers: _Markers) -> str:
    turn = f"{markers.start}user{markers.after_role}Hi{markers.end}{markers.after}"
    return f"Write each message as {turn!r}."


CHATML = Template(
    name="chatml",
    label="ChatML",
    help="<|im_start|>role … <|im_end|>: Qwen, SmolLM, the starter model and many others.",
    segments=lambda conversation, specials, generation: _write(_CHATML, conversation, specials, generation),
    parse=lambda text, specials: _read(_CHATML, text, specials),
    tags=_CHATML.literals,
    literal=Specials("", "", _CHATML.literals),
    end_of_turn=_CHATML.end,
)

LLAMA3 = Template(
    name="llama3",
    label="Llama 3",
    help="Role headers and <|eot_id|>: Llama 3 and its descendants.",
    segments=lambda conversation, specials, generation: _write(_LLAMA3, conversation, specials, generation),
    parse=lambda text, specials: _read(_LLAMA3, text, specials),
    tags=_LLAMA3.literals,
    literal=Specials(_LLAMA3.bos, "", _LLAMA3.literals),
    end_of_turn=_LLAMA3.end,
)
