"""Mends of the lint: rows that are not found again, in bulk, with a preview and undo."""

from __future__ import annotations

import pytest
from hypothesis import given

from lib.data.edits import edit, open_copy
from lib.data.edits.bulk import change_all, preview
from lib.data.edits.conversations import conversations
from lib.data.edits.job import run_job
from lib.data.edits.operations import Operation
from lib.data.edits.undo import undo
from lib.data.filters import Query
from lib.data.lint import LintSettings
from lib.data.lint.mends import propose
from lib.data.lint.run import lint
from lib.errors import BadInput, CannotCarry
from lib.formats import TEMPLATES, load_tokenizer, render_text
from lib.formats.lint import LINTS, Linter
from lib.formats.render import render
from tests.data.lint.conftest import CHAT, LLAMA, OWN
from tests.formats.conversations import talk
from tests.formats.strategies import any_order, few
from tests.formats.strategies import conversations as some_conversations
from tests.formats.tokenizers_for_tests import TOKENIZERS
from tests.helpers import FakeJob

ALL = Query()


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {name: load_tokenizer(write(folder / name)) for name, write in TOKENIZERS.items()}


def operation(kind: str, settings: LintSettings) -> Operation:
    return Operation("lint-mend", kind, settings.to_dict())


def rows(info):
    return dict(conversations(open_copy(info)))


def found(info, settings, kind):
    linter = settings.linter()
    return [n for n, one in rows(info).items() if kind in {finding.kind for finding in linter([one])[0].findings}]


@pytest.mark.parametrize(
    ("kind", "settings", "row_ids"),
    [
        ("no_answer", CHAT, [3]),
        ("tags_in_text", CHAT, [4]),
        ("tags_in_text", LLAMA, [5]),
        ("specials_in_text", LLAMA, [10]),
        ("whitespace_eaten", LLAMA, [6, 7, 8, 9]),
        ("too_long", CHAT, [7, 8, 9]),
        ("nothing_left", CHAT, [8]),
        ("own_system_prompt", OWN, [1, 3, 5, 6, 7, 8, 9, 10]),
    ],
)
@pytest.mark.parametrize("looked_at_before", [False, True])
def test_mends_in_bulk(info, kind, settings, row_ids, looked_at_before):
    assert found(info, settings, kind) == row_ids
    before = rows(info)
    if looked_at_before:
        lint(open_copy(info), settings)
    shown = preview(info, ALL, operation(kind, settings))
    assert (shown.seen, shown.changing) == (len(row_ids) if looked_at_before else len(before), len(row_ids))
    assert sorted(example.row_id for example in shown.examples) == row_ids
    made = change_all(info, ALL, operation(kind, settings), "ada")
    assert made.rows == len(row_ids) and LINTS[kind].label.lower() in made.what
    assert found(info, settings, kind) == []
    after = rows(info)
    assert [n for n in before if before[n] != after.get(n)] == row_ids
    assert change_all(info, ALL, operation(kind, settings), "ada") is None
    undo(info, "ada")
    assert rows(info) == before


def test_rows_that_were_changed_since_the_lint_are_looked_at_again(info):
    lint(open_copy(info), LLAMA)
    edit(
        info,
        1,
        0,
        "ada",
        values={"messages": [{"role": "user", "content": "[INST]?"}, {"role": "assistant", "content": "No."}]},
    )
    assert preview(info, ALL, operation("tags_in_text", LLAMA)).seen == 2
    assert change_all(info, ALL, operation("tags_in_text", LLAMA), "ada").rows == 2


def test_only_rows_that_match_are_mended(info):
    made = change_all(info, Query.parse(["row:in:7..9"]), operation("too_long", CHAT), "ada")
    assert made.rows == 2 and found(info, CHAT, "too_long") == [9]


def test_the_job_of_bulk_changes_takes_it(info):
    payload = {"dataset": info.ref, "query": ALL.to_dict(), "user": "ada"}
    result = run_job({**payload, "operation": operation("no_answer", CHAT).to_dict()}, FakeJob())
    assert result["rows"] == 1


def test_a_system_prompt_gets_a_column_of_its_own(make):
    info = make([{"question": "Hi", "answer": "Hello!"}])
    text = render_text(rows(info)[1], "model", OWN.tokenizer())
    change_all(info, ALL, operation("own_system_prompt", OWN), "ada")
    (mended,) = rows(info).values()
    assert mended.messages[0].content == "You are a helpful assistant."
    assert render_text(mended, "model", OWN.tokenizer()) == text


def test_messages_of_one_role_are_joined_where_that_helps(models):
    linter = LLAMA.linter()
    mend = propose("cannot_carry", talk("u:A", "u:B", "a:C"), linter)
    assert mend.conversation == talk("u:A\n\nB", "a:C")
    assert propose("cannot_carry", talk("a:A", "u:B", "a:C"), linter) is None
    alpaca = LintSettings("alpaca", "llama", 60).linter()
    assert propose("cannot_carry", talk("s:S", "u:A", "a:B"), alpaca) is None
    assert propose("cannot_carry", talk("u:A", "a:B"), alpaca) is None


def test_what_cannot_be_mended_is_refused(models):
    for kind in ("wrong_template", "nope"):
        with pytest.raises(BadInput, match="cannot be mended"):
            operation(kind, CHAT)
    with pytest.raises(BadInput, match="model is not given"):
        Operation("lint-mend", "too_long", {"template": "llama2"})


@few
@given(one=some_conversations() | any_order)
def test_what_is_mended_is_not_found_again(tokenizers, one):
    for tokenizer in tokenizers.values():
        for name in TEMPLATES:
            linter = Linter(name, tokenizer, 40)
            for finding in linter([one])[0].findings:
                mend = propose(finding.kind, one, linter)
                if mend is None or mend.delete:
                    continue
                assert finding.kind not in {other.kind for other in linter([mend.conversation])[0].findings}
                if finding.kind in ("whitespace_eaten", "own_system_prompt"):
                    try:
                        assert render(mend.conversation, name, tokenizer) == render(one, name, tokenizer)
                    except CannotCarry:
                        assert finding.kind == "own_system_prompt"
