"""Templates of one's own: saved in versions, found by name, deleted without breaking what names them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import BadInput, CannotCarry, NotFound, StorageError
from lib.formats import (
    ModelTokenizer,
    Segment,
    get_template,
    labels,
    parse,
    render,
    render_text,
    saved,
    template_names,
)
from lib.formats.jinja import TemplateError
from lib.settings import ROOT
from tests.formats.conversations import WITH_BLOCKS as SOURCE
from tests.formats.conversations import talk
from tests.formats.strategies import NASTY, conversations, few

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TALK = talk("s:Be", "u:Hi", "a:Yo", "u:And?", "a:So.", context="this")


def test_versions_are_counted_and_never_change() -> None:
    first = saved.save("mine", SOURCE, "ann", "first")
    assert (first.name, first.help, first.source) == ("mine@1", "first", SOURCE)
    assert saved.save("mine", SOURCE, "bob").name == "mine@1"
    assert saved.save("mine", CHATML, "bob").name == "mine@2"
    assert saved.save("mine", SOURCE, "bob").name == "mine@3"
    assert get_template("mine").name == "mine@3" and get_template("mine@2").source == CHATML
    assert [(one.version, one.created_by) for one in saved.versions("mine")] == [(1, "ann"), (2, "bob"), (3, "bob")]
    assert [one.ref for one in saved.list_saved()] == ["mine@3"]
    assert template_names()[-2:] == ["model", "mine"]
    assert saved.get("mine@1").note == "first" and saved.get("mine").ref == "mine@3"


def test_deleted_templates_are_gone_from_lists_but_not_from_what_names_them() -> None:
    saved.save("mine", SOURCE, "ann")
    saved.save("mine", CHATML, "ann")
    saved.delete("mine")
    assert "mine" not in template_names() and not saved.list_saved()
    for use in (get_template, saved.get, saved.versions, saved.delete):
        with pytest.raises(NotFound):
            use("mine")
    assert get_template("mine@1").source == SOURCE and saved.get("mine@2").source == CHATML
    assert saved.save("mine", CHATML, "ann").name == "mine@3"
    assert [one.version for one in saved.versions("mine")] == [3]


@pytest.mark.parametrize(
    "name", ["mine@9", "mine@0", "mine@", "mine@x", "../mine", "", "Mine", "mine@1@1", "a/b", "nobody"]
)
def test_names_that_there_are_not(name: str) -> None:
    saved.save("mine", SOURCE, "ann")
    for use in (get_template, saved.get):
        with pytest.raises(NotFound):
            use(name)


def test_what_cannot_be_saved_is_named() -> None:
    for name in ("llama2", "model", "auto"):
        with pytest.raises(BadInput, match="comes with the studio"):
            saved.save(name, SOURCE, "ann")
    with pytest.raises(BadInput, match="cannot be used"):
        saved.save("../x", SOURCE, "ann")
    with pytest.raises(TemplateError, match="mine was not saved, line 1, column 4: `mesages`") as error:
        saved.save("mine", "{{ mesages }}", "ann")
    assert (error.value.line, error.value.column) == (1, 4)
    with pytest.raises(BadInput, match="stays"):
        saved.delete("llama2")
    assert "mine" not in template_names()


def test_people_who_save_at_once_get_a_version_each(home: Path) -> None:
    code = (
        "import sys; from lib.formats import saved\n"
        "for n in range(20): saved.save('mine', f'{{{{ messages }}}} {sys.argv[1]} {n}', sys.argv[1])"
    )
    people = [subprocess.Popen([sys.executable, "-c", code, name], cwd=ROOT) for name in ("ann", "bob")]
    assert [process.wait(60) for process in people] == [0, 0]
    found = saved.versions("mine")
    assert [one.version for one in found] == list(range(1, 41))
    assert len({one.source for one in found}) == 40
    assert sorted(path.name for path in (home / "templates" / "mine").iterdir())[0] == "v0001.json"


def test_odd_notes_and_damaged_files(home: Path) -> None:
    note = "caf\udce9, as a shell gives it; é"
    saved.save("mine", SOURCE, "ann", note)
    code = f"from lib.formats import saved; assert saved.get('mine').note == {note!r}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    folder = home / "templates" / "mine"
    (folder / "v0002.json").write_text("{")
    for use in (get_template, saved.get):
        with pytest.raises(StorageError, match=r"v0002\.json is damaged"):
            use("mine")
    assert get_template("mine@1").source == SOURCE
    (folder / "deleted").write_text("x")
    with pytest.raises(StorageError, match="deleted is damaged"):
        get_template("mine")


def test_what_else_lies_in_the_folder_is_no_template(home: Path) -> None:
    saved.save("mine", SOURCE, "ann")
    (home / "templates" / "readme").write_text("not ours")
    for name in ("a..b", "empty", "UPPER"):
        (home / "templates" / name).mkdir()
    assert template_names()[-2:] == ["model", "mine"]
    for name in ("readme", "a..b", "empty"):
        with pytest.raises(NotFound):
            get_template(name)


def test_a_full_disk_saves_nothing(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(small_disk))
    saved.save("mine", SOURCE, "ann")
    (small_disk / "filler").write_bytes(b"x" * ((1 << 20) - 12 * 4096))
    with pytest.raises(StorageError, match="is full"):
        for number in range(20):
            saved.save("mine", SOURCE + str(number) * 9000, "ann")
    folder = small_disk / "templates" / "mine"
    assert len(saved.versions("mine")) == len(list(folder.iterdir())) > 0, "no scratch is left"


def test_another_process_sees_the_newest_version(home: Path) -> None:
    saved.save("mine", SOURCE, "ann")
    assert get_template("mine").name == "mine@1"
    code = f"from lib.formats import saved; saved.save('mine', {CHATML!r}, 'bob'); saved.delete('mine')"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    with pytest.raises(NotFound):
        get_template("mine")
    assert saved.save("mine", SOURCE, "ann").name == "mine@3"


def test_it_is_rendered_trained_and_read_like_any_other(tokenizers: dict[str, ModelTokenizer]) -> None:
    saved.save("mine", SOURCE, "ann")
    text = (
        "<s>### System:\nBe\n\n### User:\nHi\n\n### Input:\nthis\n\n### Answer:\nYo</s>\n\n"
        "### User:\nAnd?\n\n### Answer:\nSo.</s>\n\n"
    )
    assert render_text(TALK, "mine") == text and parse(text, "mine") == TALK
    assert [segment.text for segment in render(TALK, "mine") if segment.trained] == ["Yo", "</s>", "So.", "</s>"]
    starter = tokenizers["starter_like"]
    written = render_text(TALK, "mine", starter)
    assert "<s>" not in written and "So.<|im_end|>" in written
    assert parse(written, "mine", starter) == TALK
    tokens = starter.encode_conversation(TALK, "mine")
    assert labels(tokens).count(starter.eos_id) == 2


def test_its_marks_and_the_models_tokens_are_refused_or_escaped(tokenizers: dict[str, ModelTokenizer]) -> None:
    saved.save("mine", SOURCE, "ann")
    starter = tokenizers["starter_like"]
    for text, mark in (("a ### Answer: b", "### Answer:"), ("a <|im_end|> b", r"<\|im_end\|>")):
        conversation = talk(f"u:{text}", "a:c")
        with pytest.raises(CannotCarry, match=mark):
            render(conversation, "mine", starter)
        escaped = render_text(conversation, "mine", starter, escape=True)
        assert parse(escaped, "mine", starter, escaped=True) == conversation


def test_an_end_written_out_stops_generation(tokenizers: dict[str, ModelTokenizer]) -> None:
    template = saved.save("own-chatml", CHATML, "ann")
    starter = tokenizers["starter_like"]
    assert template.end_of_turn == "<|im_end|>" and starter.eos_id in starter.stop_ids("own-chatml")
    assert render(talk("u:Hi", "a:Yo"), "own-chatml", starter) == render(talk("u:Hi", "a:Yo"), "chatml", starter)
    assert render(talk("u:Hi", "a:Yo"), "own-chatml")[-1] == Segment("Yo<|im_end|>\n", True)


@pytest.mark.parametrize("source", [SOURCE, CHATML])
@few
@given(data=st.data())
def test_what_it_writes_is_read_back_and_prompts_are_prefixes(
    tokenizer: ModelTokenizer, source: str, data: st.DataObject
) -> None:
    name = saved.save("mine", source, "ann").name
    conversation = data.draw(conversations([*NASTY, "### Answer:", "\n\n### User:\n"]))
    escape = data.draw(st.booleans())
    try:
        text = render_text(conversation, name, tokenizer, escape=escape)
    except CannotCarry:
        return
    assert parse(text, name, tokenizer, escaped=escape) == conversation
    prompt = tokenizer.encode_conversation(conversation, name, generation=True, escape=escape).ids
    assert tokenizer.encode_conversation(conversation, name, escape=escape).ids[: len(prompt)] == prompt
