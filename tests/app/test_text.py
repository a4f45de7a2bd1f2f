"""Text of data as pages show it."""

from __future__ import annotations

import pytest

from studio.components.text import directed


@pytest.mark.parametrize(
    "text", ["What is it?", "¿Qué es?", "Arabic is written العربية.", "123, …", "", "日本語。", "one\n\ntwo\n"]
)
def test_lines_that_begin_left_to_right_are_as_they_are(text: str) -> None:
    assert directed(text) == text


@pytest.mark.parametrize("line", ["العطش الشديد.", "מהם התסמינים?", "1. العطش (diabetes)."])
def test_lines_that_begin_right_to_left_keep_their_full_stop(line: str) -> None:
    assert directed(line) == f"\u2068{line}\u2069"


def test_each_line_has_its_own_direction() -> None:
    assert directed("Arabic:\nالعطش.\nEnd.") == "Arabic:\n\u2068العطش.\u2069\nEnd."
