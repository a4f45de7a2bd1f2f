"""Conversations made of the texts that break formats: tags, near-tags, end tokens, odd whitespace."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from lib.records import Conversation, Message
from tests.helpers import THOROUGH


def examples(number: int) -> settings:
    """For a property that is tested on so many examples, new ones each time."""
    return settings(max_examples=number * THOROUGH, deadline=None, suppress_health_check=list(HealthCheck))


few = examples(40)

NASTY = [
    "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "\n<</SYS>>\n\n", "<s>", "</s>", "[", "<", "<<", "/", "]",
    "### Input:", "\n\n### Input:\n", "\n\n### Input:", "### Response:", "### Instruction:", "#### Answer", "###", "#",
    "<|im_start|>", "<|im_end|>", "<|im_end", "<|eot_id|>", "<|end_header_id|>", "assistant\n", "user", "|>", ":", ")",
    "\n", "\n\n", " ", "  ", "\t", "\r\n", "", "a", "b c", "é", "🙂", "\u202e", "\u00a0", "\u2028", "\u200b", "\x00",
    "▁",
]  # fmt: skip
MILD = [
    "\n",
    "\n\n",
    " ",
    "  ",
    "",
    "a",
    "b c",
    ":",
    ")",
    "###",
    "### Input",
    "[",
    "<",
    "é",
    "🙂",
    "\u202e",
    "\t",
    "▁a",
]


def texts(parts: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts), max_size=5).map("".join)


@st.composite
def conversations(draw: st.DrawFn, parts: list[str] = NASTY, one_pair: bool = False) -> Conversation:
    """Well-ordered conversations that end with an answer."""
    text = texts(parts)
    messages = [Message("system", draw(text))] if not one_pair and draw(st.booleans()) else []
    for _ in range(1 if one_pair else draw(st.integers(1, 3))):
        messages.append(Message("user", draw(text), draw(st.one_of(st.just(""), text))))
        messages.append(Message("assistant", draw(text)))
    return Conversation(tuple(messages))


any_order = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant", "tool"]), texts(NASTY)), min_size=1, max_size=5
).map(lambda messages: Conversation(tuple(messages)))
