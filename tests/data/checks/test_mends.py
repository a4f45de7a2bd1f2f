"""Mends: what they make of a row, and that the same check does not find it again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.checks import CHECKS, Settings
from lib.data.checks.judge import Judge
from lib.data.checks.mends import Mend, propose
from lib.data.checks.plain import plain
from lib.errors import NotFound
from lib.records import Conversation, Message
from lib.settings import ROOT

DESK = ROOT / "studio" / "samples" / "support-desk"
ROWS = {row["ticket"]: row for row in map(json.loads, (DESK / "rows.jsonl").read_text().splitlines())}
DIRT = json.loads((DESK / "dirt.json").read_text())
CHECK_OF_KIND = {
    "noinput": "placeholder", "empty_output": "empty", "personal_data": "personal_data", "secret": "secret",
    "markup": "markup", "mojibake": "mojibake", "merged_rows": "merged", "template_tags": "template_tags",
    "boilerplate": "boilerplate", "role_mixup": "role_mixup",
}  # fmt: skip
PLANTED = [(CHECK_OF_KIND[kind], item["ticket"]) for kind in CHECK_OF_KIND for item in DIRT[kind]]


def pair(question: str, answer: str, context: str = "") -> Conversation:
    return Conversation((Message("user", question, context), Message("assistant", answer)))


def finds(check: str, conversation: Conversation) -> bool:
    return any(Judge(Settings(checks=frozenset((check,)))).details(conversation))


def mended(check: str, question: str, answer: str, context: str = "") -> tuple[str, str, str]:
    """Question, context and answer after the mend."""
    mend = propose(check, pair(question, answer, context))
    assert mend is not None and mend.conversation is not None
    user, assistant = mend.conversation.messages
    return user.content, user.context, assistant.content


@pytest.mark.parametrize("check,ticket", PLANTED)
def test_planted_rows_are_mended_for_good(check, ticket):
    row = ROWS[ticket]
    conversation = pair(row["instruction"], row["output"], row["input"])
    assert finds(check, conversation)
    mend = propose(check, conversation)
    assert mend is not None and mend.label
    assert mend.delete == (mend.conversation is None)
    if mend.conversation is not None:
        assert not finds(check, mend.conversation)
        assert propose(check, mend.conversation) is None
        assert all(message.content.strip() for message in mend.conversation.messages)


@pytest.mark.parametrize("check", [name for name in CHECKS if "duplicate" not in name])
def test_a_clean_row_is_left_alone(check):
    assert propose(check, pair("What is a bursa?", "A small sac filled with fluid that cushions a joint.")) is None


@pytest.mark.parametrize("check", ["cut_off", "conflict", "wrong_language", "short", "long"])
def test_a_person_decides(check):
    assert propose(check, pair("How do I set it up?", "ok")) is None


def test_duplicates_are_deleted():
    for check in ("exact_duplicate", "near_duplicate"):
        mend = propose(check, pair("a", "b"))
        assert mend == Mend("Delete this row and keep the earlier one", delete=True)


def test_an_unknown_check():
    with pytest.raises(NotFound):
        propose("nonsense", pair("a", "b"))


@pytest.mark.parametrize(
    "before,after",
    [
        ("<p>One</p><p>Two &amp; three</p>", "One\n\nTwo & three"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("x<br/>y &amp;lt;b&amp;gt;", "x\ny"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("see <script>alert('1')</script>this <!-- not that --> too", "see this  too"),
        ("keep `<b>` and\n```\n<p>this</p>\n``` not <b>that</b>", "keep `<b>` and\n```\n<p>this</p>\n``` not that"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| | | |", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("click [here](javascript:alert(1)) now", "click here now"),
        ("a < b and b > c", "a < b and b > c"),
    ],
)  # fmt: skip
def test_markup_to_plain_text(before, after):
    assert plain(before) == after


def test_personal_data_is_replaced_everywhere():
    assert mended(
        "personal_data",
        "I am jane.doe@corp.org, call +44 20 7946 0958",
        "Noted: jane.doe@corp.org at 192.0.2.10, living at 12 Long Hill Road.",
        "Card 4111 1111 1111 1111",
    ) == (
        "I am name@example.com, call [phone]",
        "Card [card number]",
        "Noted: name@example.com at [IP address], living at [address].",
    )
    mend = propose("personal_data", pair("mail a@b.org", "or c@d.org"))
    assert mend is not None and mend.label == "Replace 2 e-mail addresses by name@example.com"


def test_secrets_are_replaced():
    _, _, answer = mended("secret", "How?", 'Set DB_PASSWORD="s3cret-horse!" and AKIAIOSFODNN7EXAMPLE in the shell.')
    assert answer == 'Set DB_PASSWORD="[password]" and [secret] in the shell.'
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
    often = mended("secret", "How?", " or ".join(["AKIAIOSFODNN7EXAMPLE"] * 12))[2]
    assert often == " or ".join(["[secret]"] * 12)
    assert mended("secret", "Show a key", f"Here:\n{key}\nDone.")[2] == "Here:\n[secret]\nDone."


def test_tags_are_taken_out():
    answer = "<|im_start|>assistant\nFine.<|im_end|>"
    assert mended("template_tags", "[INST] Hello [/INST]", answer) == ("Hello", "", "Fine.")
    joined = "a <|im_<|im_end|>end|> b"
    assert mended("template_tags", "hi", joined)[2] == "a  b"
    only = propose("template_tags", pair("[INST] x", "y"), Settings(template="chatml"))
    assert only is None, "not a tag of that template"


def test_boilerplate_keeps_a_real_answer():
    told = "As an AI language model, the best way to clean it is with vinegar and warm water."
    assert mended("boilerplate", "How?", told)[2] == "The best way to clean it is with vinegar and warm water."
    for refusal in (
        "As an AI language model, I cannot do that for you, sorry.",
        "I'm sorry, but I can't help with that.",
    ):
        mend = propose("boilerplate", pair("How?", refusal))
        assert mend is not None and mend.delete


def test_an_answer_that_is_all_second_item_is_left_to_a_person():
    assert propose("merged", pair("q", "\n### Instruction: another\nwhat?")) is None


def test_neighbours_of_one_role_are_joined():
    messages = (
        Message("system", "s"), Message("user", "a", "one"), Message("user", "b", "two"), Message("assistant", "c"),
        Message("assistant", "d"),
    )  # fmt: skip
    mend = propose("role_order", Conversation(messages))
    assert mend is not None and mend.conversation is not None
    assert mend.conversation.messages == (
        Message("system", "s"), Message("user", "a\n\nb", "one\n\ntwo"), Message("assistant", "c\n\nd"),
    )  # fmt: skip
    assert mend.label == "Join 2 messages to the one before of the same role"
    for roles in (("assistant", "user"), ("user",), ("user", "system", "assistant")):
        assert propose("role_order", Conversation(tuple(Message(role, "x") for role in roles))) is None


def test_sides_are_swapped_in_a_later_turn():
    told = "You can keep the beans in the hopper for about a week, after which they lose most of their aroma."
    asked = "How long can I leave beans in the hopper?"
    messages = (
        Message("user", "hi"),
        Message("assistant", "hello"),
        Message("user", told),
        Message("assistant", asked),
    )
    mend = propose("role_mixup", Conversation(messages))
    assert mend is not None and mend.conversation is not None
    assert [message.content for message in mend.conversation.messages] == ["hi", "hello", asked, told]


PIECES = [
    "word ", "x@y.org ", "+44 20 7946 0958 ", "4111 1111 1111 1111 ", "10.20.30.40 ", "password: hunter2x ", "<b>",
    "</p>", "&nbsp;", "&amp;lt;", "`<i>`", "```", "| | | |\n", "|:--- text\n", "](javascript:", "\n", "[INST]", "<|im_",
    "im_end|>", "<s>", "### Response:", "donâ€™t ", "\nQ: a\nA: b", "\n##\n", "As an AI, ", "N/A", "?", "\x00",
    "\u202e", "token=abc123xyz ", "12 Old Mill Lane ", "sk_live_abcdefghijklmnopqrstuvwx ",
    "https://me:pa55word@host ", "<", ">", "&lt", "i", ";",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(CHECK_OF_KIND.values())), TEXT, TEXT, st.sampled_from(["", "N/A", "x@y.org"]))
def test_no_mend_leaves_what_it_mends(check, question, answer, context):
    conversation = pair(question, answer, context)
    mend = propose(check, conversation)
    if mend is not None and mend.conversation is not None:
        assert finds(check, conversation)
        assert not finds(check, mend.conversation)
