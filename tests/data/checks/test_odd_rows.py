"""Rows as they come: limits of a tokenizer, many turns, tools, nulls, NUL and bidi marks, huge texts, addresses."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.checks import CHECKS, Settings, answers, judge, private, repeats, run_checks, run_checks_of
from lib.data.checks.mends import propose
from lib.data.checks.plain import plain
from lib.data.imports.importer import import_source
from lib.errors import NotFound
from lib.formats import load_tokenizer
from lib.records import Conversation, Message
from tests.formats.tokenizers_for_tests import TOKENIZERS

ANSWER = "The sac lies between bone and tendon and lets them glide."


def said(*turns: tuple[str, str]) -> Conversation:
    return Conversation(tuple(Message(role, text) for role, text in turns))  # type: ignore[arg-type]


def check(*rows: Conversation, settings: Settings = Settings()):  # noqa: B008
    return run_checks(lambda: enumerate(rows, start=1), len(rows), settings)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_long_by_a_tokenizer(name, tmp_path):
    tokenizer = load_tokenizer(TOKENIZERS[name](tmp_path / name))
    rows = [said(("user", "Hi"), ("assistant", "cat " * count)) for count in (1, 100, 400)]
    tokens = [len(tokenizer.encode_conversation(row, "alpaca")) for row in rows]
    report = check(*rows, settings=Settings(template="alpaca", tokenizer=tokenizer, max_tokens=tokens[1]))
    assert [(finding.row_id, finding.detail) for finding in report.findings if finding.check == "long"] == [
        (3, f"{tokens[2]} tokens, the limit is {tokens[1]}")
    ]


def test_long_where_the_template_cannot_carry_the_row(tmp_path):
    tokenizer = load_tokenizer(TOKENIZERS["llama2_like"](tmp_path / "model"))
    turns = said(("user", "a"), ("assistant", "b"), ("user", "c " * 400), ("assistant", "d"))
    assert check(turns, settings=Settings(template="alpaca", tokenizer=tokenizer, max_tokens=300)).rows_of("long") == [
        1
    ]


def test_special_tokens_of_the_tokenizer_are_tags(tmp_path):
    tokenizer = load_tokenizer(TOKENIZERS["llama3_like"](tmp_path / "model"))
    row = said(("user", "What is <|eot_id|>?"), ("assistant", ANSWER))
    assert check(row, settings=Settings(template="alpaca", tokenizer=tokenizer)).rows_of("template_tags") == [1]
    assert check(row, settings=Settings(template="alpaca")).rows_of("template_tags") == []


def test_every_turn_is_looked_at():
    dirty = said(
        ("system", "Write to boss@corp.org"),
        ("user", "Hi"),
        ("assistant", "As an AI language model I greet you."),
        ("user", "And <b>this</b>?"),
        ("assistant", ANSWER),
    )
    report = check(dirty)
    assert {finding.check for finding in report.findings} == {"personal_data", "boilerplate", "markup"}
    assert len(report.findings) == 3


def test_tools_are_in_order_and_looked_at():
    call = said(
        ("user", "Weather?"),
        ("assistant", '{"name": "weather"}'),
        ("tool", '{"mail": "x@corp.org"}'),
        ("tool", '{"t": 20}'),
        ("assistant", "It is 20 degrees."),
    )
    report = check(call)
    assert report.rows_of("role_order") == []
    assert report.rows_of("personal_data") == [1]
    assert check(said(("user", "Weather?"), ("tool", "20"))).rows_of("role_order") == [1]


def test_rows_with_null_columns(write_rows):
    rows = [
        {"instruction": "What is a bursa?", "input": None, "output": ANSWER, "note": None},
        {"instruction": "What is it?", "input": "a tendon", "output": "A cord that ties muscle to bone.", "note": "x"},
        {"instruction": "Where?", "output": "Between the bones."},
    ]
    import_source(write_rows(rows), "nulls")
    assert run_checks_of(datasets.get("nulls")).findings == []


def test_signs_that_are_not_seen():
    rows = [
        said(("user", "a\x00b"), ("assistant", f"\u202egnp.exe {ANSWER}")),
        said(("user", "\x00"), ("assistant", "\ufeff")),
    ]
    found = {(finding.row_id, finding.check) for finding in check(*rows, *rows).findings}
    assert found <= {(3, "exact_duplicate"), (4, "exact_duplicate"), (2, "short"), (4, "short")}
    assert {(3, "exact_duplicate"), (4, "exact_duplicate")} <= found


def test_rows_of_300_kilobytes():
    sentence = "Every word of this rather long sentence adds to the size of the row. "
    huge = said(("user", "Tell me all"), ("assistant", sentence * 4400))
    changed = said(("user", "Tell me all"), ("assistant", sentence * 4400 + "The end."))
    small = [said(("user", f"q{n}"), ("assistant", f"Number {n} is one more than {n - 1}.")) for n in range(5)]
    report = check(huge, changed, *small)
    assert report.rows_of("long") == [1, 2]
    assert report.rows_of("near_duplicate") == [2]


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "<",
        "1.",
        "a@",
        "password",
        "| ",
        "\n",
        "As an ",
        "+4",
        ":",
        "a:",
        "1 ",
        "[](",
        "-----BEGIN ",
        "&#",
        "É",
        "\n ",
        " ",
        "\n1.\n",
        "<li> ",
        "<!--",
        "[",
        "|:--- a ",
        "Q: a\n\n",
    ],
)
@pytest.mark.timeout(60)
def test_no_text_takes_for_ever(part):
    shape = part * (300_000 // len(part))
    row = said(("user", shape), ("assistant", shape))
    assert check(row).rows == 1
    for name in CHECKS:
        propose(name, row)
    assert plain(shape) is not None


@pytest.mark.parametrize(
    "text",
    ["host 192.168.1.17", "from 10.1.2.3, it came", "2001:db8:85a3::8a2e:370:7334 answered", "(203.0.113.9)"],
)
def test_ip_addresses(text):
    assert private.personal_data(text)


@pytest.mark.parametrize(
    "text",
    [
        "version 10.2.3.4",
        "127.0.0.1 is you",
        "0.0.0.0",
        "mask 255.255.255.0",
        "section 4.3.2.1",
        "300.1.2.3",
        "1.2.3.4.5",
        "at 12:30:45:10",
        "std::vector<a::b>",
        "a::b::c::d",
        "::1",
    ],
)
def test_numbers_that_are_no_ip_addresses(text):
    assert private.personal_data(text) is None


def test_one_check_alone():
    rows = [said(("user", "mail x@corp.org"), ("assistant", ANSWER))] * 2
    report = check(*rows, settings=Settings(checks=frozenset(("exact_duplicate",))))
    assert report.counts() == {"exact_duplicate": 1}
    assert [one["name"] for one in report.to_dict()["checks"]] == ["exact_duplicate"]
    with pytest.raises(NotFound, match="no check nonsense"):
        check(*rows, settings=Settings(checks=frozenset(("nonsense",))))


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_alone_finds_what_all_find(name):
    rows = [said(("user", "mail x@corp.org"), ("assistant", f"{ANSWER} <p> {number}")) for number in (1, 1, 2)] + [
        said(("user", "Why?"), ("assistant", " ")),
        said(("assistant", "ok")),
    ]
    alone = check(*rows, settings=Settings(checks=frozenset((name,)))).findings
    assert alone == [finding for finding in check(*rows).findings if finding.check == name]


CUT = "Unplug the kettle first. Then press the button and hold it until the small lamp beside the lid turns"
WHOLE = "Unplug the kettle first. Then press the button and hold it until the lamp turns green. Number {}."
LIST = "These help against it. See a doctor about the following signs of the disease {} - cough - fever - headache"


def test_an_open_ending_is_doubtful_where_it_is_rare():
    rows = [said(("user", f"q{n}"), ("assistant", WHOLE.format(n))) for n in range(40)]
    cut = said(("user", "why"), ("assistant", CUT))
    assert check(*rows, cut).rows_of("cut_off") == [41]


def test_an_open_ending_is_no_doubt_where_it_is_usual():
    whole = [said(("user", f"q{n}"), ("assistant", WHOLE.format(n))) for n in range(40)]
    lists = [said(("user", f"l{n}"), ("assistant", LIST.format(n))) for n in range(6)]
    cut, dangling = said(("user", "why"), ("assistant", CUT)), said(("user", "so"), ("assistant", f"{CUT} the"))
    assert answers.cut_off(LIST.format(1)) and answers.cut_off(CUT)
    assert check(*whole, *lists, cut, dangling).rows_of("cut_off") == [48]


def test_an_ending_that_several_answers_share_is_a_signature():
    whole = [said(("user", f"q{n}"), ("assistant", WHOLE.format(n))) for n in range(60)]
    signed = [said(("user", f"s{n}"), ("assistant", f"{WHOLE.format(n)} National Cancer Institute")) for n in range(3)]
    assert check(*whole, *signed).rows_of("cut_off") == []
    assert check(*whole, signed[0]).rows_of("cut_off") == [61]


def test_every_check_of_the_list_is_looked_for():
    """One whose words are there but that nothing looks for would never be found, and nobody would know."""
    of_rows = {*judge.OF_ROW, *judge.OF_TEXT, *judge.OF_ANSWER, "template_tags"}
    of_all = repeats.CHECKS | {"cut_off", "wrong_language", "long"}
    assert of_rows | of_all == set(CHECKS)
