"""What speaks against trusting a comparison, in words."""

from __future__ import annotations

import pytest

from lib.evaluation.comparing.checks import SILENCE, of_silence


@pytest.mark.parametrize(("empty", "told"), [(26, 1), (4, 1), (3, 0), (0, 0)])
def test_a_base_that_says_nothing_is_told_first(empty, told):
    found = of_silence({"starter": empty, "merry-lion": 35}, 35, "starter")
    assert [one["kind"] for one in found] == [SILENCE] * told
    assert all(f"starter, the base, said nothing on {empty} of 35 questions" in one["text"] for one in found)
    assert all("`compare … --model MODEL=TEMPLATE`" in one["text"] for one in found)


def test_of_no_questions_nothing_is_said():
    assert of_silence({"starter": 0}, 0, "starter") == []
