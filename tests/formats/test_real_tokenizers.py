"""Our ids beside those of transformers, tiktoken and SentencePiece, and of Meta's own way to encode a dialog."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from lib.formats import ModelTokenizer, Segment
from lib.records import Conversation
from tests.formats.conversations import talk
from tests.formats.real_tokenizers import llama3_ranks, sentencepiece_model
from tests.formats.strategies import NASTY, few, texts
from tests.formats.tokenizers_for_tests import GPT4_SPLIT

SAMPLES = [
    "Hello",
    " Hello",
    "  two  spaces ",
    "\n\nnew\r\n\tlines ",
    "don't 1234567",
    "[INST] A [/INST] B ",
    "",
    " ",
    "é ü 🙂\u200b\u202e",
    "日本語テキスト",
    "ﬁ e\u0301 a\u00a0b",
    "\x00",
    "</s><|im_end|><|eot_id|> x",
    "### Response::)",
]
LLAMA2 = [
    (talk("u:Hi"), ["[INST] Hi [/INST]"]),
    (talk("u:Hi", "a:Hello!"), ["[INST] Hi [/INST] Hello! "]),
    (talk("s:Be brief.", "u:Hi", "a:Hello!"), ["[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello! "]),
    (talk("u:A", "a:B", "u:C", "a:D"), ["[INST] A [/INST] B ", "[INST] C [/INST] D "]),
    (talk("s:S", "u:A", "a:B", "u:C"), ["[INST] <<SYS>>\nS\n<</SYS>>\n\nA [/INST] B ", "[INST] C [/INST]"]),
    (talk("u:  Hi \n", "a:\n Yo  "), ["[INST] Hi [/INST] Yo "]),
]
"""Golden conversations, with each finished pair as the one string that Meta encodes, and then the open one."""


@cache
def meta_tokenizer() -> tiktoken.Encoding:
    return tiktoken.Encoding("llama3", pat_str=GPT4_SPLIT, mergeable_ranks=llama3_ranks(), special_tokens={})


@cache
def mistral_tokenizer() -> SentencePieceProcessor:
    return sentencepiece_model()


def ids(tokenizer: ModelTokenizer, text: str) -> list[int]:
    return tokenizer.tokenize([Segment(text, False)] if text else []).ids


def check_pairs(tokenizer: ModelTokenizer, conversation: Conversation, pairs: Iterable[list[int]]) -> None:
    """Each pair's ids between BOS and EOS; an open last pair has no EOS."""
    wanted = [number for pair in pairs for number in (1, *pair, 2)]
    is_open = conversation.messages[-1].role == "user"
    ours = tokenizer.encode_conversation(conversation, "llama2", generation=is_open)
    assert ours.ids == wanted[: len(wanted) - is_open]


@few
@given(text=st.one_of(st.sampled_from(SAMPLES), texts(NASTY), st.text()))
def test_plain_text_as_transformers_encodes_it(
    all_tokenizers: dict[str, ModelTokenizer], transformers_tokenizers: dict[str, Any], text: str
) -> None:
    for name, tokenizer in all_tokenizers.items():
        theirs = transformers_tokenizers[name]
        assert ids(tokenizer, text) == theirs.encode(text, add_special_tokens=False, split_special_tokens=True), name
        bos = [tokenizer.bos_id] if tokenizer.specials.bos else []
        assert [*bos, *ids(tokenizer, text)] == theirs.encode(text, split_special_tokens=True), name


@few
@given(text=st.one_of(st.sampled_from(SAMPLES), texts(NASTY), st.text()))
def test_plain_text_as_the_models_makers_encode_it(real_tokenizers: dict[str, ModelTokenizer], text: str) -> None:
    assert ids(real_tokenizers["llama3"], text) == meta_tokenizer().encode_ordinary(text)
    assert ids(real_tokenizers["mistral"], text) == mistral_tokenizer().encode(text)


@pytest.mark.parametrize(("conversation", "pairs"), LLAMA2)
def test_llama2_as_meta_encodes_it(
    real_tokenizers: dict[str, ModelTokenizer], conversation: Conversation, pairs: list[str]
) -> None:
    """Source: facebookresearch/llama, `generation.py`: each pair by itself, with BOS and EOS as ids."""
    check_pairs(real_tokenizers["mistral"], conversation, map(mistral_tokenizer().encode, pairs))


@pytest.mark.parametrize(("conversation", "pairs"), LLAMA2)
@pytest.mark.parametrize("name", ["llama2_like", "llama2_first_like"])
def test_both_ways_to_put_a_space_in_front_do_so_for_each_pair(
    tokenizers: dict[str, ModelTokenizer], name: str, conversation: Conversation, pairs: list[str]
) -> None:
    check_pairs(tokenizers[name], conversation, [ids(tokenizers[name], pair) for pair in pairs])


def test_llama3_as_meta_encodes_it(real_tokenizers: dict[str, ModelTokenizer]) -> None:
    """Source: meta-llama/llama3, `tokenizer.py`, `ChatFormat`: header, two line breaks and text encoded one by one."""
    conversation = talk("s:Be brief.", "u:Hi there", "a:Hello!", "u:1 + 1?", "a:2 :)")
    encode = meta_tokenizer().encode_ordinary
    wanted = [128000]
    for message in conversation.messages:
        wanted += [128006, *encode(message.role), 128007, *encode("\n\n")]
        wanted += [*encode(message.content), 128009]
    for template in ("llama3", "model"):
        assert real_tokenizers["llama3"].encode_conversation(conversation, template).ids == wanted
