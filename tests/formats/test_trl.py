"""What TRL's own SFTTrainer makes of the same conversations, beside our ids and labels.

TRL is given what its users give it: strings of prompt and completion for templates that write text, messages for the
model's own chat template, and messages with `{% generation %}` in the template to learn every answer. It makes the
same ids and labels but for what `TEXT` and `MODEL` list, each with the tokenizers that it happens on:

    again     text that does not end with EOS gets one more; everything behind the prompt is learned, the line break
              behind the end token too
    behind    what the chat template writes behind the end token is learned
    joined    a token spans the boundary: TRL trains on another prompt than the one at generation, one token shorter
    no space  a Metaspace tokenizer puts its space at the start of the whole string only; Meta encodes every pair as a
              string of its own

As strings TRL can learn the last answer only, and takes marks inside messages and a literal BOS for special tokens.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lib.formats import TEMPLATES, ModelTokenizer, Segment, labels, load_tokenizer, render, text_of
from lib.records import Conversation
from tests.formats.conversations import talk
from tests.formats.tokenizers_for_tests import CHATML_TEMPLATE, LLAMA2_TEMPLATE, LLAMA3_TEMPLATE

HELLO = talk("u:Hi there", "a:Hello!")
TRANSLATE = talk("u:Translate", "a:chat", context="cat")
TURNS = talk("u:Hi there", "a:Hello!", "u:Who?", "a:Me, of course.")
SYSTEM = talk("s:Be brief.", "u:Hi there", "a:Hello!", "u:Who?", "a:Me.")
SMILE = talk("u:Smile", "a::)")

EVERYWHERE = {
    "starter_like",
    "llama2_like",
    "llama2_first_like",
    "llama3_like",
    "gpt2_like",
    "starter",
    "llama3",
    "mistral",
}
GPT2 = {"starter_like", "gpt2_like", "starter"}
"""They cut a blank line in two where text follows, and leave it whole where none does."""

TEXT: list[tuple[Conversation, dict[str, dict[str, set[str]]]]] = [
    (HELLO, {"chatml": {"again": EVERYWHERE}, "plain": {"joined": GPT2}, "llama3": {"joined": GPT2}}),
    (TRANSLATE, {"chatml": {"again": EVERYWHERE}, "plain": {"joined": GPT2}, "llama3": {"joined": GPT2}}),
    (
        TURNS,
        {
            "chatml": {"again": EVERYWHERE},
            "llama3": {"joined": GPT2},
            "llama2": {"no space": {"llama2_first_like"}},
            "llama2-oneline": {"no space": {"llama2_first_like"}},
        },
    ),
    (
        SMILE,
        {
            "chatml": {"again": EVERYWHERE},
            "plain": {"joined": GPT2},
            "llama3": {"joined": GPT2},
            "alpaca": {"joined": {"starter", "llama3", "mistral"}},
        },
    ),
]
MODEL: list[tuple[Conversation, dict[str, set[str]]]] = [
    (HELLO, {"behind": {"starter_like", "starter"}, "no space": {"llama2_first_like"}}),
    (TURNS, {"behind": {"starter_like", "starter"}, "no space": {"llama2_first_like"}}),
    (
        SMILE,
        {"behind": {"starter_like", "starter"}, "no space": {"llama2_first_like"}, "joined": {"mistral"}},
    ),
]
GENERATION = {
    "starter": CHATML_TEMPLATE.replace(
        "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}",
        "{{ '<|im_start|>' + message['role'] + '\\n' }}{% if message['role'] == 'assistant' %}{% generation %}"
        "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{% else %}{{ message['content'] + '<|im_end|>' }}"
        "{% endif %}{{ '\\n' }}",
    ),
    "llama3": LLAMA3_TEMPLATE.replace(
        "+ '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}",
        "+ '<|end_header_id|>\\n\\n' }}{% if message['role'] == 'assistant' %}{% generation %}"
        "{{ message['content'] | trim + '<|eot_id|>' }}{% endgeneration %}{% else %}"
        "{{ message['content'] | trim + '<|eot_id|>' }}{% endif %}",
    ),
    "mistral": LLAMA2_TEMPLATE.replace(
        "{{ ' ' + content.strip() + ' ' + eos_token }}",
        "{% generation %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endgeneration %}",
    ),
}


@dataclass(frozen=True)
class Learned:
    """One row as a trainer gets it."""

    ids: list[int]
    labels: list[int]

    @property
    def start(self) -> int:
        """The first id that is learned."""
        return next(place for place, label in enumerate(self.labels) if label != -100)


Trl = Callable[..., list[Learned]]


@pytest.fixture(scope="module")
def trl(tiny_folder: Path, transformers_tokenizers: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Trl:
    """`trl(tokenizer, rows, **settings)`: the dataset that an SFTTrainer prepared for itself."""
    from datasets import Dataset
    from transformers import LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = LlamaForCausalLM.from_pretrained(tiny_folder)
    out = str(tmp_path_factory.mktemp("trl"))

    def prepared(tokenizer: Any, rows: list[dict[str, Any]], **settings: Any) -> list[Learned]:
        theirs = transformers_tokenizers.get(tokenizer, tokenizer)
        config = SFTConfig(out, max_steps=1, max_length=None, use_cpu=True, bf16=False, report_to=[], **settings)
        data = Dataset.from_list(rows).to_iterable_dataset()  # a plain one would be hashed with the whole tokenizer
        trainer = SFTTrainer(model=model, args=config, processing_class=theirs, train_dataset=data)
        return [Learned(row["input_ids"], row["labels"]) for row in trainer.train_dataset]

    return prepared


@pytest.mark.parametrize(("conversation", "differences"), TEXT, ids=["hello", "translate", "turns", "smile"])
def test_templates_that_write_text(
    trl: Trl, all_tokenizers: dict[str, ModelTokenizer], conversation: Conversation, differences: dict[str, Any]
) -> None:
    pairs = len(conversation.messages) // 2
    templates = [n for n, it in TEMPLATES.items() if not it.needs_tokenizer and not (it.one_pair and pairs > 1)]
    found: dict[str, dict[str, set[str]]] = {}
    for name, tokenizer in all_tokenizers.items():
        rows = [strings(conversation, template, tokenizer) for template in templates]
        for template, theirs in zip(templates, trl(name, rows), strict=True):
            if difference := compare(theirs, conversation, template, tokenizer):
                found.setdefault(template, {}).setdefault(difference, set()).add(name)
    assert found == differences


@pytest.mark.parametrize(("conversation", "differences"), MODEL, ids=["hello", "turns", "smile"])
def test_the_models_own_template(
    trl: Trl, all_tokenizers: dict[str, ModelTokenizer], conversation: Conversation, differences: dict[str, set[str]]
) -> None:
    found: dict[str, set[str]] = {}
    *prompt, answer = conversation.to_dict()["messages"]
    for name, tokenizer in all_tokenizers.items():
        if tokenizer.chat is not None:
            (theirs,) = trl(name, [{"prompt": prompt, "completion": [answer]}])
            if difference := compare(theirs, conversation, "model", tokenizer):
                found.setdefault(difference, set()).add(name)
    assert found == differences


@pytest.mark.parametrize("name", list(GENERATION))
def test_every_answer_of_the_models_own_template(
    trl: Trl, all_tokenizers: dict[str, ModelTokenizer], tmp_path: Path, name: str
) -> None:
    from transformers import AutoTokenizer

    folder = tmp_path / name
    shutil.copytree(all_tokenizers[name].path, folder)
    (folder / "chat_template.jinja").write_text(GENERATION[name])
    tokenizer = load_tokenizer(folder)
    talks = [HELLO, TURNS, SYSTEM, SMILE]
    rows = [{"messages": talked.to_dict()["messages"]} for talked in talks]
    found = trl(AutoTokenizer.from_pretrained(folder), rows, assistant_only_loss=True)
    for theirs, talked in zip(found, talks, strict=True):
        tokens = tokenizer.encode_conversation(talked, "model")
        assert theirs == Learned(tokens.ids, labels(tokens))


@pytest.mark.parametrize("name", ["llama2_like", "llama3_like", "llama3", "mistral"])
def test_text_with_its_bos_gets_a_second_one(trl: Trl, all_tokenizers: dict[str, ModelTokenizer], name: str) -> None:
    tokenizer = all_tokenizers[name]
    row = strings(HELLO, "llama2", tokenizer)
    (theirs,) = trl(name, [{**row, "prompt": tokenizer.specials.bos + row["prompt"]}])
    tokens = tokenizer.encode_conversation(HELLO, "llama2")
    assert theirs == Learned([tokenizer.bos_id, *tokens.ids], [-100, *labels(tokens)])


def test_marks_inside_messages_become_special_tokens(trl: Trl, any_tokenizer: ModelTokenizer) -> None:
    conversation = talk(f"u:What is {any_tokenizer.specials.eos} for?", "a:It ends a text.")
    (theirs,) = trl(any_tokenizer.name, [strings(conversation, "alpaca", any_tokenizer)])
    tokens = any_tokenizer.encode_conversation(conversation, "alpaca")
    assert (theirs.ids.count(any_tokenizer.eos_id), tokens.ids.count(any_tokenizer.eos_id)) == (2, 1)


def strings(conversation: Conversation, template: str, tokenizer: ModelTokenizer) -> dict[str, str]:
    """Prompt and completion, without the BOS in front that TRL's tokenizer adds."""
    prompt = text_of(render(conversation, template, tokenizer, generation=True))
    whole = text_of(render(conversation, template, tokenizer))
    return {"prompt": prompt.removeprefix(tokenizer.specials.bos), "completion": whole[len(prompt) :]}


def compare(theirs: Learned, conversation: Conversation, template: str, tokenizer: ModelTokenizer) -> str:
    """Empty when TRL learns the last answer as we do; otherwise the one known difference, checked to be no more."""
    segments = render(conversation, template, tokenizer)
    prompt_segments = render(conversation, template, tokenizer, generation=True)
    tokens, prompt_tokens = tokenizer.tokenize_batch([segments, prompt_segments])
    prompt = prompt_tokens.ids
    if theirs == Learned(tokens.ids, [-100] * len(prompt) + labels(tokens)[len(prompt) :]):
        return ""
    known = {
        "behind": learned_behind(prompt, tokens.ids),
        "again": learned_behind(prompt, [*tokens.ids, tokenizer.eos_id]),
        "joined": learned_behind(in_one_piece(prompt_segments, tokenizer), in_one_piece(segments, tokenizer)),
    }
    for difference, learned in known.items():
        if theirs == learned:
            return difference
    assert tokenizer.name == "llama2_first_like"
    assert without_space(theirs.ids, tokenizer) == without_space(tokens.ids, tokenizer)
    return "no space"


def learned_behind(prompt: list[int], ids: list[int]) -> Learned:
    """All is learned from where the ids leave those of the prompt."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(prompt, ids, strict=False))
    start = sum(1 for _ in same)
    return Learned(ids, [-100] * start + ids[start:])


def in_one_piece(segments: list[Segment], tokenizer: ModelTokenizer) -> list[int]:
    """The ids of the whole text with no boundary kept."""
    return tokenizer.tokenize([Segment(segment.text, False, segment.special) for segment in segments]).ids


def without_space(ids: list[int], tokenizer: ModelTokenizer) -> str:
    pieces = [tokenizer._tokenizer.id_to_token(number) for number in ids]
    return "".join(pieces).replace("<s>▁", "<s>")
