"""Lint: each kind of finding where it has to be made, and where it must not be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given

from lib.errors import CannotCarry, NotFound
from lib.formats import ModelTokenizer, Segment, Template, get_template, load_tokenizer, render, template_names
from lib.formats.custom import custom_template
from lib.formats.fitting import POLICIES, fit
from lib.formats.lint import LINTS, Linter, default_system, fingerprint, lint_model, lint_row, suggestion
from lib.records import Conversation
from tests.formats.conversations import talk
from tests.formats.strategies import any_order, conversations, few

HELLO = talk("u:Hi", "a:Hello!")
TRAINED_WHOLE = frozenset({"bos_twice", "bos_missing", "eos_missing", "eos_not_trained"})


def kinds(
    one: Conversation,
    template: str | Template,
    tokenizer: ModelTokenizer,
    max_length: int | None = None,
    escape: bool = False,
) -> dict[str, str]:
    """Kind -> detail."""
    found = lint_row(one, template, tokenizer, max_length, escape)
    assert {finding.kind for finding in found} <= {name for name, kind in LINTS.items() if kind.scope == "row"}
    return {finding.kind: finding.detail for finding in found}


def model_kinds(template: str | Template, tokenizer: ModelTokenizer) -> dict[str, str]:
    return {finding.kind: finding.detail for finding in lint_model(template, tokenizer)}


@pytest.fixture
def changed(tokenizers, tmp_path):
    """A copy of a test tokenizer with other settings in its folder."""

    def copy(name: str, **config: object) -> ModelTokenizer:
        folder = Path(shutil.copytree(tokenizers[name].path, tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"))
        (folder / "chat_template.jinja").unlink(missing_ok=True)
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
        return load_tokenizer(folder)

    return copy


def each(before: str, user: str, answer: str) -> str:
    """A chat template: what it writes at the start, and for each role with `TEXT` for the content."""
    user, answer = (text.replace("TEXT", "' + message['content'] + '") for text in (user, answer))
    return (
        f"{{{{ {before} }}}}{{% for message in messages %}}{{% if message['role'] == 'assistant' %}}"
        f"{{{{ '{answer}' }}}}{{% else %}}{{{{ '{user}' }}}}{{% endif %}}{{% endfor %}}"
    )


def test_a_plain_row_has_no_findings(tokenizers):
    assert kinds(HELLO, "llama2", tokenizers["llama2_like"], 512) == {}
    assert kinds(talk("s:S", "u:A", "a:B", "u:C", "a:D"), "llama3", tokenizers["llama3_like"], 512) == {}
    assert kinds(HELLO, "chatml", tokenizers["starter_like"], 512) == {}


def test_no_answer(tokenizers):
    tokenizer = tokenizers["starter_like"]
    for one in (talk("u:Hi"), talk("u:Hi", "a:"), talk("u:Hi", "a: \n"), talk("s:S", "u:A", "a:B", "u:C")):
        assert set(kinds(one, "chatml", tokenizer)) == {"no_answer"}
    assert "ends with a user message" in kinds(talk("u:Hi"), "chatml", tokenizer)["no_answer"]
    assert set(kinds(talk("a:"), "chatml", tokenizer)) == {"no_answer", "cannot_carry"}
    assert "no_answer" not in kinds(HELLO, "chatml", tokenizer)


def test_tags_in_text(tokenizers):
    tokenizer = tokenizers["starter_like"]
    one = talk("u:Hi", "a:It is written [INST].")
    (finding,) = lint_row(one, "llama2", tokenizer)
    assert (finding.kind, finding.message) == ("tags_in_text", 2) and "[INST]" in finding.detail
    assert kinds(one, "llama2", tokenizer, escape=True) == {}
    assert kinds(one, "chatml", tokenizer) == {}
    assert "tags_in_text" in kinds(talk("u:<|im_end|>", "a:B"), "model", tokenizer)


def test_specials_in_text(tokenizers):
    tokenizer = tokenizers["llama2_like"]
    (finding,) = lint_row(talk("u:Hi", "a:It ends with </s> there."), "chatml", tokenizer)[-1:]
    assert (finding.kind, finding.message) == ("specials_in_text", 2) and "</s>" in finding.detail
    assert "specials_in_text" not in kinds(talk("u:Hi", "a:</s>"), "chatml", tokenizer, escape=True)
    assert "specials_in_text" not in kinds(talk("u:Hi", "a:</S> <|im_start>"), "chatml", tokenizer)
    # What the template itself refuses is told once.
    refused = kinds(talk("u:<|im_end|>", "a:B"), "chatml", tokenizers["starter_like"])
    assert set(refused) == {"tags_in_text"}


def test_cannot_carry(tokenizers):
    tokenizer = tokenizers["starter_like"]
    assert "system" in kinds(talk("s:S", "u:A", "a:B"), "alpaca", tokenizer)["cannot_carry"]
    assert "one question" in kinds(talk("u:A", "a:B", "u:C", "a:D"), "alpaca", tokenizer)["cannot_carry"]
    assert set(kinds(talk("u:A", "u:[INST]", "a:B"), "llama2", tokenizer)) == {"cannot_carry"}
    assert set(kinds(talk("u:A", "u:C", "a:B"), "llama2", tokenizer, escape=True)) == {"cannot_carry"}
    assert kinds(talk("u:A", "a:B"), "alpaca", tokenizer) == {}


def test_lengths(tokenizers):
    tokenizer = tokenizers["starter_like"]
    one = talk("u:Hi", "a:" + "word " * 50)
    tokens = tokenizer.encode_conversation(one, "chatml")
    found = kinds(one, "chatml", tokenizer, 40)
    over, lost = len(tokens) - 40, sum(tokens.trained[40:])
    assert found == {"too_long": f"{len(tokens):,} tokens, {over:,} over the limit; {lost:,} of those are learned"}
    assert kinds(one, "chatml", tokenizer, len(tokens)) == {}
    assert set(kinds(talk("u:" + "word " * 50, "a:B"), "chatml", tokenizer, 40)) == {"too_long", "nothing_left"}
    assert kinds(talk("u:" + "word " * 50, "a:B"), "chatml", tokenizer) == {}


def test_eos_missing(tokenizers, changed):
    endless = changed("llama2_like", chat_template=each("bos_token", "[INST] TEXT [/INST]", " TEXT"))
    found = kinds(talk("u:A", "a:B", "u:C", "a:D"), "model", endless)
    assert set(found) == {"eos_missing"} and found["eos_missing"].startswith("what is learned of answer 1 ends with")
    ending = changed("llama2_like", chat_template=each("bos_token", "[INST] TEXT [/INST]", " TEXT</s>"))
    assert kinds(talk("u:A", "a:B", "u:C", "a:D"), "model", ending) == {}


@pytest.mark.parametrize("gap", ["", "\n"])
def test_eos_not_trained(tokenizers, gap):
    def write(conversation, specials, generation):
        asked, *told = conversation.messages
        ends = [Segment(told[0].content, True), Segment(gap, False), Segment(specials.eos, False, True)] if told else []
        return [Segment(f"Q: {asked.content}\nA:\n", False), *ends]

    untrained = Template("untrained", "", "", write)
    assert set(kinds(HELLO, untrained, tokenizers["starter_like"])) == {"eos_not_trained"}


def test_a_template_of_ones_own(tokenizers):
    layout = (
        "{{ bos_token }}{% for m in messages %}{{ '\\n' + m.role + '\\n' + m.content + EOS }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '\\nassistant\\n' }}{% endif %}"
    )
    endless, ending = (custom_template("mine", layout.replace("EOS", end)) for end in ("''", "eos_token"))
    tokenizer = tokenizers["llama2_like"]
    assert set(kinds(HELLO, endless, tokenizer)) == {"eos_missing"}
    assert kinds(HELLO, ending, tokenizer) == {}
    assert "tags_in_text" in kinds(talk("u:</s>", "a:B"), ending, tokenizer)
    assert set(model_kinds(ending, tokenizer)) == {"wrong_template", "pad_is_eos", "bos_in_text"}
    assert fingerprint(endless, tokenizer) != fingerprint(ending, tokenizer)


def test_what_an_earlier_studio_looked_for_is_looked_for_again(tokenizers, monkeypatch):
    before = fingerprint("llama2", tokenizers["llama2_like"])
    monkeypatch.setitem(LINTS, "a new kind", LINTS["eos_missing"])
    assert fingerprint("llama2", tokenizers["llama2_like"]) != before


def test_bos_twice_and_missing(tokenizers, changed):
    pair = ("[INST] TEXT [/INST]", " TEXT</s>")
    twice = changed("llama2_like", chat_template=each("bos_token + bos_token", *pair))
    assert set(kinds(HELLO, "model", twice)) == {"bos_twice"}
    missing = changed("llama2_like", chat_template=each("''", *pair))
    assert set(kinds(HELLO, "model", missing)) == {"bos_missing"}
    once = changed("llama2_like", chat_template=each("bos_token", *pair))
    assert kinds(HELLO, "model", once) == {}
    wants_none = changed("starter_like", chat_template=each("''", "<|im_start|>TEXT", "TEXT<|im_end|>"))
    assert kinds(HELLO, "model", wants_none) == {}


def test_an_end_before_a_beginning_is_no_double_beginning(changed):
    both = changed("llama2_like", bos_token="</s>", add_bos_token=True)
    assert "bos_twice" not in kinds(talk("u:A", "a:B", "u:C", "a:D"), "llama2", both)


def test_boundary(tokenizers):
    tokenizer = tokenizers["llama2_like"]  # its corpus has made "\ncat" one token
    assert kinds(talk("u:Translate chat.", "a:cat"), "alpaca-lora", tokenizer) == {
        "boundary": "between “:\n” and “cat”"
    }
    assert kinds(talk("u:Translate chat.", "a:dog"), "alpaca-lora", tokenizer) == {}
    assert kinds(talk("u:Translate chat.", "a:cat"), "llama2", tokenizer) == {}
    assert "boundary" in kinds(talk("u:A", "a:\n\n\nB"), "alpaca-lora", tokenizers["starter_like"])


def test_own_system_prompt(tokenizers):
    tokenizer = tokenizers["starter_like"]
    assert default_system("model", tokenizer) == "You are a helpful assistant."
    assert "You are a helpful assistant." in kinds(HELLO, "model", tokenizer)["own_system_prompt"]
    assert kinds(talk("s:S", "u:A", "a:B"), "model", tokenizer) == {}
    for name in template_names():
        assert name == "model" or default_system(name, tokenizer) == ""
    assert default_system("model", tokenizers["llama2_like"]) == ""
    assert default_system("model", tokenizers["llama3_like"]) == ""


def test_whitespace_eaten(tokenizers):
    tokenizer = tokenizers["llama2_like"]
    found = lint_row(talk("s: S ", "u:\tA ", "a:B\n"), "llama2", tokenizer)
    assert [(finding.message, finding.detail) for finding in found] == [
        (2, "at the end of the user text"),
        (3, "at the end of the assistant text"),
    ]
    assert {finding.kind for finding in found} == {"whitespace_eaten"}
    assert lint_row(talk("u:A", "a:B", context="C \n"), "llama2", tokenizer)[0].detail == "at the end of the input"
    for template in ("alpaca-lora", "chatml", "llama3"):
        assert "whitespace_eaten" not in kinds(talk("u: A ", "a: B\n"), template, tokenizer)
    assert "whitespace_eaten" not in kinds(talk("u:A", "a:B"), "llama2", tokenizer)


def test_wrong_template(tokenizers):
    found = model_kinds("alpaca", tokenizers["llama2_like"])["wrong_template"]
    assert found.startswith("the model's own writes '[INST] placeholder of a question [/INST]' where this has 'Below")
    assert "You are a helpful" in model_kinds("chatml", tokenizers["starter_like"])["wrong_template"]
    for template, name in (("llama2", "llama2_like"), ("llama3", "llama3_like"), ("model", "starter_like")):
        assert "wrong_template" not in model_kinds(template, tokenizers[name])


def test_a_model_without_a_chat_template_was_made_with_none(changed):
    assert "wrong_template" not in model_kinds("alpaca", changed("llama2_like", chat_template=""))


def test_a_broken_chat_template_is_no_measure(changed):
    assert "wrong_template" not in model_kinds("alpaca", changed("llama2_like", chat_template="{{ 1 / 0 }}"))


def test_rows_on_which_a_template_fails_are_refused_and_no_others(tokenizers):
    picky = custom_template(
        "picky",
        "{% set _ = 1 // (messages[0].content | length - 3) %}"
        "{% for m in messages %}{{ m.role }}> {{ m.content }}\n{% endfor %}",
    )
    tokenizer = tokenizers["starter_like"]
    long = talk("u:abcd", "a:" + "word " * 40, "u:abc", "a:Yes.")  # without its first turn it fails
    linter = Linter(picky, tokenizer, max_length=60)
    refused, carried, shortened = linter([talk("u:abc", "a:d"), talk("u:abcd", "a:e"), long])
    assert [finding.kind for finding in refused.findings] == ["cannot_carry"] and refused.tokens is None
    assert "line 1, column 4: integer division" in refused.findings[0].detail
    assert carried.tokens is not None and "too_long" in {finding.kind for finding in shortened.findings}
    outcomes = [fit(long, shortened.tokens, 60, policy, linter.encode).outcome for policy in POLICIES]
    assert len(outcomes) == 4 and "too long" in outcomes
    assert len(fingerprint(picky, tokenizer)) == 64


def test_pad_is_eos(tokenizers, changed):
    assert model_kinds("chatml", tokenizers["starter_like"])["pad_is_eos"] == "both are <|im_end|>"
    assert "names no padding" in model_kinds("llama2", tokenizers["llama2_like"])["pad_is_eos"]
    padded = changed("llama2_like", pad_token="<unk>")
    assert "pad_is_eos" not in model_kinds("llama2", padded)


def test_bos_in_text(tokenizers):
    assert "<s>" in model_kinds("llama2", tokenizers["llama2_like"])["bos_in_text"]
    assert "bos_in_text" not in model_kinds("llama2", tokenizers["starter_like"])


def test_suggestions_fit_the_model(tokenizers, changed):
    tokenizer = tokenizers["starter_like"]
    assert suggestion("wrong_template", "alpaca", tokenizer) == {"template": "model"}
    assert suggestion("eos_missing", "model", tokenizer) == {}
    assert suggestion("eos_missing", "alpaca", changed("llama2_like", chat_template="")) == {}
    assert suggestion("tags_in_text", "llama2", tokenizer) == {"escape": True}


def test_every_kind_is_in_words_and_to_json(tokenizers):
    for name, kind in LINTS.items():
        assert kind.name == name and kind.label and kind.explanation.endswith(".") and kind.remedy.endswith(".")
        assert json.loads(json.dumps(kind.to_dict()))["name"] == name
    (finding,) = lint_row(talk("u:Hi"), "chatml", tokenizers["starter_like"])
    assert finding.to_dict() == {"kind": "no_answer", "detail": "it ends with a user message", "message": 1}


def test_unknown_templates_are_named(tokenizers):
    with pytest.raises(NotFound, match="no template called 'nope'"):
        lint_row(HELLO, "nope", tokenizers["starter_like"])


@few
@given(one=conversations() | any_order)
def test_a_row_is_left_out_exactly_when_training_leaves_it_out(tokenizers, one):
    refusals = {"no_answer", "tags_in_text", "cannot_carry"}
    for tokenizer in tokenizers.values():
        for name in template_names():
            for escape in (False, True):
                (linted,) = Linter(name, tokenizer, escape=escape)([one])
                try:
                    segments = render(one, name, tokenizer, escape=escape)
                except CannotCarry:
                    segments = None
                told = {finding.kind for finding in linted.findings}
                silent = not one.answer().strip()
                assert (linted.tokens is None) == (segments is None or silent) == bool(refusals & told)
                assert not escape or not {"tags_in_text", "specials_in_text"} & told
                if segments is not None and not silent:
                    whole = tokenizer.tokenize(segments)
                    assert (linted.tokens.ids, linted.answer) == (whole.ids, sum(whole.trained))
                    assert (linted.total, linted.prompt) == (len(whole), len(whole) - linted.answer)
                assert get_template(name).name == "model" or not TRAINED_WHOLE & told
