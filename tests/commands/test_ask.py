"""What `ask` refuses before anything is woken; its answers are tested with the engine's."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("Hi?", "nobody"), "no run and no model nobody"),
        (("Hi?", "tiny=nowhere"), "nowhere"),
        (("  ", "tiny=llama2"), "no question"),
        (("-", "tiny=llama2"), "no question"),
        (("Hi?", "tiny=llama2", "--base"), "none is named"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(tiny_home, command, arguments, told):
    refused = command("ask", *arguments, "--json")
    assert refused.code == 1 and told in refused.json()["message"] and refused.json()["hint"]
