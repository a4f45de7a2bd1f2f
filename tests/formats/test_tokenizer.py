"""What a tokenizer makes of segments, special tokens, boundaries and the files of a model."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import pytest

from lib.errors import CannotCarry, ModelError
from lib.formats import ModelTokenizer, Segment, Tokens, load_tokenizer, render, text_of
from tests.formats.conversations import talk
from tests.formats.tokenizers_for_tests import llama2_like, starter_like

PAIRS = talk("s:Be brief.", "u:Hi", "a:Hello!", "u:Who?", "a:Me :)")
ONE = talk("u:Hi", "a:Hello!")


@pytest.mark.parametrize("template", ["llama2", "llama2-oneline", "alpaca", "chatml", "llama3", "model"])
def test_bos_once_where_the_model_wants_it(tokenizer: ModelTokenizer, template: str) -> None:
    tokens = tokenizer.encode_conversation(ONE if template == "alpaca" else PAIRS, template)
    each_pair = template.startswith("llama2") or (template == "model" and "llama2" in tokenizer.name)
    wanted = 2 if each_pair else 1
    if tokenizer.name == "starter_like":  # Adds none; its BOS is ChatML's start marker, once per message.
        wanted = len(PAIRS.messages) if template in ("chatml", "model") else 0
    assert tokens.ids.count(tokenizer.bos_id) == wanted


def test_text_that_looks_like_a_special_token_stays_text(tokenizer: ModelTokenizer) -> None:
    known = "".join(sorted(tokenizer.specials.known))
    tokens = tokenizer.encode_conversation(talk(f"u:{known}", "a:ok"), "alpaca")
    assert sum(tokens.special) == (2 if tokenizer.specials.bos else 1)
    assert known in tokenizer.decode(tokens.ids)


def test_the_models_template_refuses_special_tokens_in_text(tokenizer: ModelTokenizer) -> None:
    with pytest.raises(CannotCarry, match="it holds"):
        render(talk(f"u:say {tokenizer.specials.eos}", "a:ok"), "model", tokenizer)


def test_a_boundary_that_the_tokenizer_would_join_is_kept(tokenizers: dict[str, ModelTokenizer]) -> None:
    joined = 0
    for tokenizer in tokenizers.values():
        tokens = tokenizer.tokenize([Segment("hello wor", False), Segment("ld, the cat", True)])
        plain = tokenizer.tokenize([Segment("hello world, the cat", False)])
        joined += tokens.ids != plain.ids
        assert tokenizer.decode(tokens.ids) == tokenizer.decode(plain.ids) == "hello world, the cat"
        assert trained_text(tokenizer, tokens) == "ld, the cat"
    assert joined, "the test needs a boundary inside a token"


def test_spans_and_pieces_show_the_text(tokenizer: ModelTokenizer) -> None:
    segments = render(talk("u:Hi é", "a:Hello, world :)"), "llama2", tokenizer)
    tokens = tokenizer.tokenize(segments)
    assert len(tokens) == len(tokens.spans) == len(tokens.trained) == len(tokens.special)
    text = text_of(segments)
    covered = {place for start, end in tokens.spans for place in range(start, end)}
    assert covered == set(range(len(text)))
    pieces = tokenizer.pieces(segments, tokens)
    assert "".join(pieces) == text or "é" not in "".join(pieces)
    assert pieces[-1] == tokenizer.specials.eos


def test_space_in_front_only_where_a_text_starts(tokenizers: dict[str, ModelTokenizer]) -> None:
    first = tokenizers["llama2_first_like"]
    segments = [Segment("<s>", False, True), Segment("Hi", False), Segment("</s>", True, True), Segment("Hi", False)]
    ids = first.tokenize(segments).ids
    half = ids.index(first.eos_id)
    assert ids[1:half] != ids[half + 1 :]
    assert first.decode(ids) == "HiHi"
    assert first.decode(ids[half:]) == "Hi"


def test_decode_of_what_a_model_wrote_keeps_its_space(tokenizer: ModelTokenizer) -> None:
    prompt = tokenizer.encode_conversation(ONE, "llama2", generation=True)
    whole = tokenizer.encode_conversation(ONE, "llama2")
    assert tokenizer.decode(whole.ids[len(prompt) :], continuation=True) == " Hello! "


def test_stop_ids(tokenizers: dict[str, ModelTokenizer]) -> None:
    starter, llama3 = tokenizers["starter_like"], tokenizers["llama3_like"]
    assert starter.stop_ids("chatml") == starter.stop_ids("model") == [starter.eos_id]
    assert llama3.stop_ids("llama3")[0] == llama3.eos_id
    assert len(llama3.stop_ids("alpaca")) == 2, "generation_config.json names a second one"


def test_what_is_read_from_the_folder(tmp_path: Path) -> None:
    folder = llama2_like(tmp_path / "m")
    tokenizer = load_tokenizer(folder)
    assert (tokenizer.name, tokenizer.path) == ("m", folder)
    assert (tokenizer.specials.bos, tokenizer.specials.eos) == ("<s>", "</s>")
    assert (tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id) == (1, 2, None)
    assert tokenizer.specials.known == {"<unk>", "<s>", "</s>"}
    assert tokenizer.fingerprint == hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    assert load_tokenizer(folder) is tokenizer
    starter = load_tokenizer(starter_like(tmp_path / "s"))
    assert starter.specials.bos == "" and starter.bos_id == 1 and starter.pad_id == starter.eos_id


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    folder = starter_like(tmp_path / "m")
    before = load_tokenizer(folder)
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert load_tokenizer(folder).chat != before.chat


def test_tokens_from_the_other_files(tmp_path: Path) -> None:
    folder = llama2_like(tmp_path / "m")
    (folder / "tokenizer_config.json").unlink()
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": {"content": "</s>"}}))
    tokenizer = load_tokenizer(folder)
    assert (tokenizer.specials.bos, tokenizer.specials.eos, tokenizer.chat) == ("<s>", "</s>", None)
    with pytest.raises(ModelError, match="no chat template"):
        render(ONE, "model", tokenizer)
    (folder / "special_tokens_map.json").unlink()
    (folder / "config.json").write_text(json.dumps({"eos_token_id": 2}))
    assert load_tokenizer(folder).specials.eos == "</s>"


def test_a_named_list_of_chat_templates(tmp_path: Path) -> None:
    folder = starter_like(tmp_path / "m")
    templates = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "yes"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>", "chat_template": templates}))
    chat = load_tokenizer(folder).chat
    assert chat and chat.source == "yes"


def test_chatml_on_a_model_without_its_tokens_ends_with_eos(tokenizers: dict[str, ModelTokenizer]) -> None:
    segments = render(ONE, "chatml", tokenizers["llama2_like"])
    assert segments[-3:] == [Segment("Hello!", True), Segment("</s>", True, True), Segment("\n", False)]
    assert "<|im_start|>user\nHi<|im_end|>\n" in text_of(segments)


def test_markers_listed_as_ordinary_tokens_are_special_all_the_same(tmp_path: Path) -> None:
    folder = starter_like(tmp_path / "m")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    for token in content["added_tokens"]:
        token.update(special=False, rstrip=token["content"] == "<|im_end|>")
    path.write_text(json.dumps(content))
    tokenizer = load_tokenizer(folder)
    assert tokenizer.specials.known == {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
    assert tokenizer.encode_conversation(talk("u:<|im_start|>", "a:ok"), "alpaca").special.count(True) == 1
    chatml = tokenizer.encode_conversation(ONE, "chatml")
    assert chatml.ids[-1] == tokenizer.eos_id, "the token swallows the newline behind it"


def test_an_end_token_that_is_not_in_the_vocabulary_is_left_out(tmp_path: Path) -> None:
    folder = starter_like(tmp_path / "m")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": "<eos>", "extra_special_tokens": {"x": "a"}})
    )
    tokenizer = load_tokenizer(folder)
    assert (tokenizer.specials.eos, tokenizer.eos_id) == ("", None)
    assert "a" in tokenizer.specials.known
    assert tokenizer.stop_ids("alpaca") == []


def test_settings_of_a_training_run_in_the_file_are_ignored(tmp_path: Path) -> None:
    folder = llama2_like(tmp_path / "m")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    path.write_text(json.dumps(content))
    assert len(load_tokenizer(folder).encode_conversation(ONE, "llama2")) > 5


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (None, "no model folder"),
        ({}, "no tokenizer.json"),
        ({"tokenizer.model": "x"}, "only tokenizer.model"),
        ({"tokenizer.json": "{"}, "cannot be read"),
        ({"tokenizer.json": "{}"}, "cannot be read"),
        ({"tokenizer.json": "{}", "tokenizer_config.json": "]"}, "tokenizer_config.json of"),
    ],
)
def test_missing_and_broken_files(tmp_path: Path, files: dict[str, str] | None, reason: str) -> None:
    folder = tmp_path / "model"
    for name, content in (files or {}).items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    if files is not None:
        folder.mkdir(exist_ok=True)
    with pytest.raises(ModelError, match=reason) as error:
        load_tokenizer(folder)
    assert error.value.hint


def trained_text(tokenizer: ModelTokenizer, tokens: Tokens) -> str:
    runs = itertools.groupby(zip(tokens.ids, tokens.trained, strict=True), key=lambda pair: pair[1])
    answers = [[number for number, _ in run] for trained, run in runs if trained]
    return "".join(tokenizer.decode(ids, skip_special_tokens=False, continuation=True) for ids in answers)
