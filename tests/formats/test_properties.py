"""What holds for every template and tokenizer: prompts are prefixes, BOS and ends stand once, answers are the mask."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.errors import CannotCarry, ModelError
from lib.formats import TEMPLATES, ModelTokenizer, Segment, Template, Tokens, labels, render, saved, text_of
from lib.formats.custom import custom_template
from lib.formats.escaping import escapable, escape_tags
from lib.records import Conversation
from lib.training.config import TrainConfig
from lib.training.rows import prepare
from tests.formats.conversations import WITH_BLOCKS, talk
from tests.formats.strategies import MILD, NASTY, conversations, examples
from tests.helpers import write_lines

some = examples(30)

WITHOUT_BLOCKS = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}> {{ m.content | trim }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)
OWN = {"with-blocks": WITH_BLOCKS, "without-blocks": WITHOUT_BLOCKS}
"""Templates that somebody wrote here."""
EVERY = {**TEMPLATES, **{name: custom_template(f"{name}@1", source) for name, source in OWN.items()}}

BOS_PER_PAIR = {"llama2", "llama2-oneline"}
"""Templates that start every pair of question and answer anew; the others start once."""

SENTENCEPIECE = {"llama2_like", "llama2_first_like", "mistral"}

ONE = talk("u:Hi there", "a:Hello!")
TURNS = talk("u:Hi there", "a:Hello!", "u:Who?", "a:Me :)")
SYSTEM = talk("s:Be brief.", "u:Hi there", "a:Hello!", "u:Who?", "a:Me :)")


@dataclass(frozen=True)
class Case:
    """A conversation in the form of training, and the prompt before each of its answers."""

    template: Template
    tokenizer: ModelTokenizer
    conversation: Conversation
    segments: list[Segment]
    tokens: Tokens
    prompts: list[Tokens]

    @property
    def answers(self) -> list[str]:
        return [message.content for message in self.conversation.messages if message.role == "assistant"]

    @property
    def runs(self) -> list[tuple[int, int]]:
        """Start and end of each stretch of tokens that the loss counts."""
        learned = itertools.groupby(range(len(self.tokens)), key=lambda place: labels(self.tokens)[place] != -100)
        places = [list(run) for wanted, run in learned if wanted]
        return [(run[0], run[-1] + 1) for run in places]

    @property
    def readable(self) -> bool:
        """Whether ids tell the text: SentencePiece writes a space as `▁`, and its Metaspace form puts no space in front
        of a text that starts with one."""
        text, name = text_of(self.segments), self.tokenizer.name
        if name == "llama2_first_like" and f"{self.tokenizer.specials.bos} " in text:
            return False
        return name not in SENTENCEPIECE or "▁" not in text


def case(conversation: Conversation, name: str, tokenizer: ModelTokenizer, *, escape: bool) -> Case | None:
    """None where the template cannot carry the conversation; one that it can carry has a prompt at each turn."""
    template = EVERY[name]
    if template.needs_tokenizer and tokenizer.chat is None:
        return None
    try:
        segments = render(conversation, template, tokenizer, escape=escape)
    except CannotCarry:
        return None
    before = [Conversation(conversation.messages[:place]) for place in answers_at(conversation)]
    prompts = [render(prompt, template, tokenizer, generation=True, escape=escape) for prompt in before]
    tokens, *starts = tokenizer.tokenize_batch([segments, *prompts])
    if escape:
        conversation = escape_tags(conversation, escapable(template, tokenizer))
    return Case(template, tokenizer, conversation, segments, tokens, starts)


def answers_at(conversation: Conversation) -> Iterator[int]:
    return (place for place, message in enumerate(conversation.messages) if message.role == "assistant")


@pytest.mark.parametrize("template", list(EVERY))
@pytest.mark.parametrize("parts", [[*NASTY, "### Answer:", "<user>"], MILD], ids=["nasty", "mild"])
@some
@given(data=st.data())
def test_every_template_on_every_tokenizer(
    all_tokenizers: dict[str, ModelTokenizer], template: str, parts: list[str], data: st.DataObject
) -> None:
    conversation = data.draw(conversations(parts, one_pair=EVERY[template].one_pair))
    escape = data.draw(st.booleans())
    for tokenizer in all_tokenizers.values():
        if it := case(conversation, template, tokenizer, escape=escape):
            check_prompts(it)
            check_starts(it)
            check_ends(it)
            check_texts(it)


def check_prompts(it: Case) -> None:
    """Each turn's prompt is a prefix, and what is learned starts right behind it."""
    for prompt in it.prompts:
        assert it.tokens.ids[: len(prompt)] == prompt.ids
        assert it.tokens.special[: len(prompt)] == prompt.special
    assert [start for start, _ in it.runs] == [len(prompt) for prompt in it.prompts]


def check_starts(it: Case) -> None:
    """BOS in front, once or once per pair, never two in a row, never learned."""
    bos = it.tokenizer.specials.bos
    if not bos:
        return
    ids = [number if special else None for number, special in zip(it.tokens.ids, it.tokens.special, strict=True)]
    wanted = len(it.answers) if starts_each_pair(it) else 1
    assert ids[0] == it.tokenizer.bos_id
    assert ids.count(it.tokenizer.bos_id) == wanted
    assert (it.tokenizer.bos_id, it.tokenizer.bos_id) not in itertools.pairwise(ids)
    assert not any(number == it.tokenizer.bos_id for number in labels(it.tokens))


def starts_each_pair(it: Case) -> bool:
    name = it.template.name
    return name in BOS_PER_PAIR or (name == "model" and it.tokenizer.name.startswith("llama2"))


def check_ends(it: Case) -> None:
    """Each answer's stretch ends with the one special token in it, and that token stops generation."""
    stops = it.tokenizer.stop_ids(it.template)
    assert len(it.runs) == len(it.answers)
    for start, end in it.runs:
        assert it.tokens.special[start:end] == [False] * (end - start - 1) + [True]
        assert it.tokens.ids[end - 1] in stops


def check_texts(it: Case) -> None:
    """The labels are the ids of the answers and nothing else, and ids decode to the text that was shown."""
    marks = labels(it.tokens)
    assert all(mark in (-100, number) for mark, number in zip(marks, it.tokens.ids, strict=True))
    if not it.readable:
        return
    whole = it.tokenizer.decode(it.tokens.ids, skip_special_tokens=False)
    learned = [it.tokenizer.decode(marks[start:end], continuation=True) for start, end in it.runs]
    assert whole == text_of(it.segments)
    assert [text.strip() for text in learned] == [answer.strip() for answer in it.answers]
    shown = [segment.text for segment in it.segments if segment.trained and not segment.special]
    assert "".join(learned) == "".join(shown)


@pytest.mark.parametrize("template", list(EVERY))
@pytest.mark.parametrize("escape", [False, True], ids=["plain", "escaped"])
def test_ordinary_conversations_are_carried(any_tokenizer: ModelTokenizer, template: str, escape: bool) -> None:
    if EVERY[template].needs_tokenizer and any_tokenizer.chat is None:
        with pytest.raises(ModelError, match="no chat template"):
            render(ONE, template, any_tokenizer)
        return
    found = [case(talked, template, any_tokenizer, escape=escape) for talked in (ONE, TURNS, SYSTEM)]
    one_pair = EVERY[template].one_pair
    no_system = one_pair or (template == "model" and any_tokenizer.name == "mistral")
    assert [it is not None for it in found] == [True, not one_pair, not no_system]
    for it in filter(None, found):
        assert it.readable
        for check in (check_prompts, check_starts, check_ends, check_texts):
            check(it)


@pytest.mark.parametrize("template", list(EVERY))
def test_rows_to_train_on_have_these_labels_or_all(
    real_tokenizers: dict[str, ModelTokenizer], template: str, tmp_path
) -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"Add {n} and 1."}, {"role": "assistant", "content": f"{n + 1} :)"}]}
        for n in range(3)
    ]
    import_source(str(write_lines(tmp_path / "rows.jsonl", rows)), "rows")
    conversations = dict(datasets.conversations(datasets.get("rows")))
    if template in OWN:
        saved.save(template, OWN[template], "ann")
    for tokenizer in real_tokenizers.values():
        for on_prompt in (False, True):
            config = TrainConfig(train_on_prompt=on_prompt, min_answer_tokens=1)
            prepared = prepare(datasets.get("rows"), template, tokenizer, config).train
            assert prepared
            for row in prepared:
                tokens = tokenizer.encode_conversation(conversations[row.row_id], template)
                assert row.ids == tokens.ids
                assert row.labels == (tokens.ids if on_prompt else labels(tokens))
