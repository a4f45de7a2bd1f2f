"""Rows that come back, that come back otherwise, and that are refused: each is counted and named."""

from __future__ import annotations

from lib.formats import ModelTokenizer, saved
from lib.formats.round_trip import Difference, Refused, round_trip
from tests.formats.conversations import talk

ROWS = [
    (0, talk("u:Hi", "a:Yo")),
    (1, talk("u:Hi", "a: Yo \n")),
    (2, talk("u:a [INST] b", "a:c")),
    (3, talk("u:x", "u:y", "a:z")),
    (4, talk("u:c [INST] d", "a:c")),
    (5, talk("u:open")),
]


def test_every_row_is_counted_once() -> None:
    told: list[int] = []
    found = round_trip("llama2", ROWS, progress=told.append, every=2)
    assert (found.rows, found.same, found.whitespace, found.differs, found.left_out) == (6, 2, 1, 0, 3)
    assert found.whitespace_first == [1] and told == [2, 4, 6, 6]
    assert [(reason.rows, reason.first) for reason in found.refused.values()] == [(2, [2, 4]), (1, [3])]
    assert found.safe and found.to_dict()["safe"] is True


def test_escaped_rows_come_back() -> None:
    found = round_trip("llama2", ROWS[:3], escape=True)
    assert (found.same, found.whitespace, found.left_out) == (2, 1, 0)


def test_what_comes_back_otherwise_is_told(tokenizers: dict[str, ModelTokenizer]) -> None:
    rows = [(7, talk("s:You are a helpful assistant.", "u:Hi", "a:Yo")), (8, talk("s:Be", "u:Hi", "a:Yo"))]
    found = round_trip("model", rows, tokenizers["starter_like"])
    assert (found.same, found.differs) == (1, 1) and not found.safe
    assert found.differences == [Difference(7, "system, user, assistant comes back as user, assistant")]


def test_a_template_that_cannot_be_read_or_fails_on_a_row() -> None:
    lossy = saved.save("lossy", "{% for m in messages %}{{ m.content }}\n{% endfor %}", "ann")
    found = round_trip(lossy, ROWS[:1])
    assert (found.readable, found.unread, found.safe) == (False, 1, False)
    picky = "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ 1 / (m.content | length - 2) }}\n{% endfor %}"
    template = saved.save("picky", picky.replace("- 2", "- 3"), "ann")
    found = round_trip(template, [(9, talk("u:abc", "a:d"))])
    [(reason, refused)] = found.refused.items()
    assert refused == Refused(1, [9]) and "line 1, column" in reason and "division by zero" in reason
