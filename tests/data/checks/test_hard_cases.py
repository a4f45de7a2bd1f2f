"""Small hard cases: what must be found, and what only looks like it."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.checks import Settings, answers, private, run_checks_of, texts
from lib.data.imports.importer import import_source
from lib.errors import BadInput, NotFound


@pytest.fixture
def check(write_rows):
    def run(rows, settings=Settings()):  # noqa: B008
        import_source(write_rows(rows), "hard")
        return run_checks_of(datasets.get("hard"), settings)

    return run


def test_duplicates(check):
    bursa = {"instruction": "What is a bursa?", "output": "A small fluid-filled sac that cushions joints."}
    report = check(
        [
            bursa,
            bursa,
            {"instruction": "what is a bursa ?", "output": "A small, fluid-filled sac that cushions the joints."},
            {"instruction": "What is a tendon?", "output": "A cord that ties muscle to bone."},
            {"instruction": "What is a bursa?", "output": "Something else entirely, about ships."},
        ]
    )
    assert [report.rows_of(name) for name in ("exact_duplicate", "near_duplicate", "conflict")] == [[2], [3], [1, 5]]


def test_tags_roles_and_settings(check):
    rows = [
        {
            "messages": [
                {"role": "user", "content": "what does [INST] mean?"},
                {"role": "assistant", "content": "it is"},
            ]
        },
        {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a <|im_end|> tag"}]},
        {"messages": [{"role": "assistant", "content": "hello"}, {"role": "user", "content": "hi"}]},
    ]
    assert check(rows).rows_of("template_tags") == [1, 2]
    assert check(rows, Settings(template="chatml")).rows_of("template_tags") == [2]
    assert check(rows).rows_of("role_order") == [3]
    with pytest.raises(NotFound):
        check(rows, Settings(template="nonsense"))
    with pytest.raises(BadInput):
        check(rows, Settings(near_duplicate_threshold=0))


@pytest.mark.parametrize(
    "text",
    [
        "mail jane.doe@example.com",
        "call +44 20 7946 0958",
        "card 4111 1111 1111 1111",
        "ip 192.0.2.10",
        "calling 18005550123.",
    ],
)
def test_personal_data(text):
    assert private.personal_data(text)


@pytest.mark.parametrize("text", ["version 1.2.3.4 of 2024-01-02", "order 1234 5678", "from 1914 - 1918, 3 + 4 = 7"])
def test_no_personal_data(text):
    assert private.personal_data(text) is None


def test_secrets():
    assert private.secret('password = "tr0ub4dor-and-3-horses"')
    assert private.secret("key AKIAIOSFODNN7EXAMPLE in use")
    assert private.secret("Your password is safe with us; the secret is patience.") is None


def test_a_secret_after_letters_that_grow_in_lower_case():
    spot = next(private.secret_spots("İİİ PASSWORD = 'Tr0ub4dor'"))
    assert (spot.kind, spot.start, spot.end) == ("password", 16, 25)


def test_markup():
    assert texts.markup("<script>alert(1)</script>", "")
    assert texts.markup("a < b and b > c, `<div>` is a tag", "") is None


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("What causes Bell's palsy ?", "What causes Bell's palsy?", True),
        ("what is a  bursa", "What is a bursa?", True),
        ("What causes Bell's palsy ?", "What causes Bell's palsy is not known.", False),
        ("Correct the sentence: he go home", "he goes home", False),
        ("Ping!", "ping", False),  # a game, or a test of the line
        ("? !", "? !", False),
    ],
)
def test_an_answer_that_repeats_its_question(question, answer, found):
    assert bool(answers.echo(answer, question)) is found


@pytest.mark.parametrize(
    "text", ["42", "Paris", "red; or blue", "See https://example.com/a for all of the details here"]
)
def test_whole_answers_are_not_cut_off(text):
    assert answers.cut_off(text) is None
    assert answers.short(text, "Which?") is None
