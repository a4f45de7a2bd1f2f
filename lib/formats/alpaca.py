"""Alpaca's three forms: Stanford's, alpaca-lora's, and the one that always has an input.

Wordings: https://github.com/tatsu-lab/stanford_alpaca/blob/main/train.py (`PROMPT_DICT`); the newline after
`### Response:`: https://github.com/tloen/alpaca-lora/blob/main/templates/alpaca.json.
Nothing is stripped on the way out, and reading is exact; headings with other whitespace round them, a missing
preamble and a missing end token are read as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib.errors import BadInput
from lib.formats.checks import refuse_marks
from lib.formats.segments import LITERAL, Segment, Specials, split_end, strip_begin
from lib.formats.template import Template
from lib.records import Conversation, Message

WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request."
)
WITHOUT_INPUT = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request."
)
TAGS = frozenset({"### Instruction:", "### Input:", "### Response:"})

_EXACT = re.compile(
    rf"(?:{re.escape(WITH_INPUT)}\n\n### Instruction:\n(.*)\n\n### Input:\n(.*)"
    rf"|{re.escape(WITHOUT_INPUT)}\n\n### Instruction:\n(.*))\n\n### Response:(.*)",
    re.DOTALL,
)
_LENIENT = re.compile(
    r"(?:Below is an instruction\b[^#]*)?### Instruction:(.*?)(?:### Input:(.*?))?### Response:(.*)",
    re.DOTALL,
)
_HINT = "Write it as ### Instruction:, ### Input: (when there is one) and ### Response:, each once."


@dataclass(frozen=True, slots=True)
class _Layout:
    """`before_answer` belongs to the prompt: at the answer's start it would be tokenized differently."""

    before_answer: str
    always_input: bool = False


_STANFORD, _LORA, _INPUT = _Layout(""), _Layout("\n"), _Layout("\n", always_input=True)


def _write(layout: _Layout, conversation: Conversation, specials: Specials) -> list[Segment]:
    user = conversation.messages[0]
    if user.context or layout.always_input:
        head = f"{WITH_INPUT}\n\n### Instruction:\n{user.content}\n\n### Input:\n{user.context}"
    else:
        head = f"{WITHOUT_INPUT}\n\n### Instruction:\n{user.content}"
    out = [
        Segment(specials.bos, False, True),
        Segment(f"{head}\n\n### Response:{layout.before_answer}", False),
    ]
    if len(conversation.messages) > 1:
        out += [Segment(conversation.messages[1].content, True), Segment(specials.eos, True, True)]
    return out


def _read(layout: _Layout, text: str, specials: Specials) -> Conversation:
    text = strip_begin(text, specials)
    if match := (exact := _EXACT.fullmatch(text)):
        content, inputs, rest = match[1] or match[3] or "", match[2] or "", match[4]
    elif match := _LENIENT.fullmatch(text):
        content, inputs, rest = match[1].strip(), (match[2] or "").strip(), match[3]
    else:
        raise _fault(text)
    user = Message("user", content, inputs)
    answer, ended = split_end(rest.removeprefix(layout.before_answer), specials.eos)
    if not (exact and rest.startswith(layout.before_answer)):
        answer = answer.strip()
    messages = (user, Message("assistant", answer)) if ended or answer.strip() else (user,)
    refuse_marks(messages, TAGS, specials, _HINT)
    return Conversation(messages)


def _fault(text: str) -> BadInput:
    for tag in ("### Instruction:", "### Response:"):
        if tag not in text:
            return BadInput(f"There is no {tag}", _HINT)
    if text.index("### Response:") < text.index("### Instruction:"):
        return BadInput("### Response: comes before ### Instruction:", _HINT)
    return BadInput(
        "There is text before ### Instruction: that is not Alpaca's, and would be lost.",
        "Take it out, or bring the rows as columns.",
    )


def _template(name: str, label: str, help_line: str, layout: _Layout) -> Template:
    return Template(
        name=name,
        label=label,
        help=help_line,
        segments=lambda conversation, specials, _: _write(layout, conversation, specials),
        parse=lambda text, specials: _read(layout, text, specials),
        tags=TAGS,
        literal=Specials("", LITERAL.eos, LITERAL.known),
        one_pair=True,
    )


ALPACA = _template(
    "alpaca",
    "Alpaca (Stanford)",
    "Instruction, input when there is one, and the answer straight after the heading, as in the Stanford code.",
    _STANFORD,
)
ALPACA_LORA = _template(
    "alpaca-lora",
    "Alpaca (alpaca-lora)",
    "The same with the answer on a line of its own: the commonest form. One question, one answer.",
    _LORA,
)
ALPACA_INPUT = _template(
    "alpaca-input",
    "Alpaca, always with input",
    "The input heading stands there even when it is empty, as in the Unsloth notebooks.",
    _INPUT,
)
