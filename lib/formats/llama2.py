"""Llama-2 chat, as Meta writes it and as tutorials write it on one line.

Layout and whitespace: https://github.com/facebookresearch/llama/blob/main/llama/generation.py (`chat_completion`):
the system text is put in front of the first user text and the whole is stripped; answers are stripped.
Reading is exact for text written here, and forgiving for what stands in real files: doubled or missing begin tokens,
no end token, line breaks and spaces anywhere, both forms mixed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lib.errors import BadInput
from lib.formats import context
from lib.formats.segments import Segment, Specials
from lib.formats.template import Template
from lib.records import Conversation, Message

TAGS = frozenset({"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"})

_LENIENT_SYSTEM = re.compile(r"<<SYS>>(.*?)<</SYS>>(.*)", re.DOTALL)
_HINT = "Write it as <s>[INST] question [/INST] answer </s>."


@dataclass(frozen=True, slots=True)
class _Layout:
    """What one of the two forms puts round the system text, and after an answer."""

    name: str
    opening: str
    closing: str
    after_answer: str

    def system_pattern(self) -> re.Pattern[str]:
        """Exactly what is written: the whitespace that ends `closing` is gone when the user text is empty."""
        closing = self.closing.rstrip()
        gap = self.closing[len(closing) :]
        return re.compile(f"{re.escape(self.opening)}(.*){re.escape(closing)}(?:{re.escape(gap)}(.*))?", re.DOTALL)


_META = _Layout("llama2", "<<SYS>>\n", "\n<</SYS>>\n\n", " ")
_ONELINE = _Layout("llama2-oneline", "<<SYS>> ", " <</SYS>> ", "")
_SYSTEM_PATTERNS = {layout.name: layout.system_pattern() for layout in (_META, _ONELINE)}


@lru_cache(maxsize=32)
def _turn(bos: str, eos: str) -> re.Pattern[str]:
    """One turn: question, answer, what ends it. A text goes up to the next mark, begin or end token.

    Unrolled and possessive, so that long texts without marks cost one pass.
    """
    marks = [re.escape(mark) for mark in ("[INST]", "[/INST]", bos, eos) if mark]
    first = "".join(sorted({re.escape(mark[0]) for mark in ("[", bos, eos) if mark}))
    body = rf"([^{first}]*+(?:(?!{'|'.join(marks)})[{first}][^{first}]*+)*+)"
    begins, ends = (rf"(?:{re.escape(token)}\s*)*" if token else "" for token in (bos, eos))
    return re.compile(rf"\s*{begins}\[INST\]{body}\[/INST\]{body}({ends})")


def _write(layout: _Layout, conversation: Conversation, specials: Specials) -> list[Segment]:
    messages = list(conversation.messages)
    system = messages.pop(0).content if messages[0].role == "system" else None
    shift = len(conversation.messages) - len(messages) + 1
    out: list[Segment] = []
    for turn in range(0, len(messages), 2):
        head = layout.opening + system + layout.closing if system is not None and turn == 0 else ""
        user = context.user_text(layout.name, turn + shift, head, messages[turn])
        out += [Segment(specials.bos, False, True), Segment(f"[INST] {user} [/INST]", False)]
        for answer in messages[turn + 1 : turn + 2]:
            out.append(Segment(f" {answer.content.strip()}{layout.after_answer}", True))
            out.append(Segment(specials.eos, True, True))
    return out


def _read(name: str, text: str, specials: Specials) -> Conversation:
    pattern = _turn(specials.bos, specials.eos)
    messages: list[Message] = []
    position = turn = 0
    while position < len(text) or not turn:
        turn += 1
        match = pattern.match(text, position)
        if not match:
            raise _fault(text[position:], turn, specials)
        if messages and messages[-1].role == "user":
            raise BadInput(f"Turn {turn - 1} has no answer before the next [INST].", _HINT)
        position = match.end()
        user, answer, end = match[1].strip(), match[2].strip(), match[3]
        if turn == 1:
            system, user = _split_system(name, user)
            messages += [Message("system", system)] if system is not None else []
        messages.append(context.user_message(user))
        if answer or end:
            messages.append(Message("assistant", answer))
    _refuse_stray_system([message for message in messages if message.role != "system"])
    return Conversation(tuple(messages))


def _split_system(name: str, user: str) -> tuple[str | None, str]:
    """System and user text of the first turn. This form's own layout first, so that its whitespace is kept."""
    if not user.startswith("<<SYS>>"):
        return None, user
    for pattern in (_SYSTEM_PATTERNS[name], *_SYSTEM_PATTERNS.values()):
        if match := pattern.fullmatch(user):
            return match[1], match[2] or ""
    if match := _LENIENT_SYSTEM.fullmatch(user):
        return match[1].strip(), match[2].strip()
    raise BadInput("<<SYS>> is never closed.", "Write <</SYS>> after the system text.")


def _refuse_stray_system(messages: list[Message]) -> None:
    for message in messages:
        for tag in ("<<SYS>>", "<</SYS>>"):
            if tag in message.content or tag in message.context:
                raise BadInput(
                    f"{tag} stands inside a {message.role} text.",
                    "A system block belongs at the start of the first [INST], once.",
                )


def _fault(rest: str, turn: int, specials: Specials) -> BadInput:
    """Why no turn starts at `rest`, in words."""
    pairs = re.findall(r"\[/?INST\]", rest)
    if not pairs:
        what = f"After turn {turn - 1} there is text outside of any turn" if turn > 1 else "There is no [INST]"
        return BadInput(f"{what}.", _HINT)
    if pairs[0] == "[/INST]":
        return BadInput(f"Turn {turn}: [/INST] comes before any [INST].", _HINT)
    if rest.partition("[INST]")[0].replace(specials.bos, "").strip():
        return BadInput(f"Turn {turn}: there is text before [INST].", _HINT)
    if len(pairs) == 1:
        return BadInput(f"Turn {turn}: [INST] is never closed.", "Write [/INST] after the question.")
    if pairs[1] == "[INST]":
        return BadInput(f"Turn {turn}: a second [INST] comes before [/INST].", _HINT)
    tokens = " or ".join(token for token in (specials.bos, specials.eos) if token)
    return BadInput(f"Turn {turn}: {tokens} stands inside the question.", _HINT)


LLAMA2 = Template(
    name="llama2",
    label="Llama 2 chat",
    help="[INST] question [/INST] answer, line for line as Meta wrote it. For Llama 2 chat and models like it.",
    segments=lambda conversation, specials, _: _write(_META, conversation, specials),
    parse=lambda text, specials: _read("llama2", text, specials),
    tags=TAGS,
)

LLAMA2_ONELINE = Template(
    name="llama2-oneline",
    label="Llama 2 chat, one line",
    help="The form of many tutorials: spaces where Meta has line breaks. Choose it to match data that already has it.",
    segments=lambda conversation, specials, _: _write(_ONELINE, conversation, specials),
    parse=lambda text, specials: _read("llama2-oneline", text, specials),
    tags=TAGS,
)
