"""Checks of what an answer says. Each returns the detail of a finding, or None."""

from __future__ import annotations

import re

from lib.data.checks.report import quote

MIN_WORDS = 6  # shorter answers are facts or names, not sentences that could be cut
ECHO_SLACK = 20  # characters of spaces and punctuation by which an answer that repeats its question may differ
NON_ANSWERS = frozenset(
    {
        "ok",
        "okay",
        "yes",
        "no",
        "yep",
        "nope",
        "sure",
        "none",
        "nothing",
        "idk",
        "done",
        "fine",
        "maybe",
        "?",
        "...",
        "test",
        "todo",
        "tbd",
        "null",
        "nan",
        "true",
        "false",
    }
)
_WORD = re.compile(r"\w+")
_BOILERPLATE = re.compile(
    r"\bas an? (?:AI|artificial intelligence|large language|language)\b(?! (?:researcher|engineer|company|expert))"
    r"|\bI(?:'m| am) (?:just |only )?an? (?:AI|artificial intelligence|large language|language model)\b"
    r"|\bI(?:'m| am) sorry, but I (?:can ?not|can't|am unable)"
    r"|\bI (?:can ?not|can't) (?:assist|help) (?:you )?with (?:that|this)\b|\bI cannot assist\b"
    r"|\bmy knowledge cut-?off\b",
    re.IGNORECASE,
)
_BOILERPLATE_PARTS = (" ai", "artificial", "language", "sorry", "assist", "help", "knowledge")  # one is in each of them
_YES_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|am|may)\b|.*\b(?:true or false|yes or no)\b",
    re.IGNORECASE | re.DOTALL,
)
_ASKS_FOR_QUESTION = re.compile(
    r"\b(?:questions?|ask|riddle|rewrite|rephrase|paraphrase|translate|generate|joke|summari[sz]e|edit|correct|title)\b",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:^|\s)(?:a|an|the|and|or|but|because|if|that|which|of|to|with|from|for|by|as|at|into|than|your|their|our|its"
    r"|is|are|was|were|will|would|can|may|must|und|oder|der|die|das|et|ou|de|la|le|y|el)$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?]['\")\]]?(?:\s|$)")
_LIST_ITEM = re.compile(r"\s*(?:[-*•+–]|\(?\w{1,3}[.)])\s")
_CODE_SIGNS = re.compile(r"[;{}=<>\\^$]|\w\(|\)\s*$|^\s{4,}|://|www\.|@")


def ends_open(answer: str) -> bool | None:
    """Whether an answer ends with a letter or comma; None where it is too short to be judged."""
    if len(answer.split(None, MIN_WORDS)) <= MIN_WORDS:
        return None
    last = answer.rstrip()[-1:]
    return last in (",", "&") or last.lower() != last.upper()


def dangling(answer: str) -> bool:
    """The last word or sign of an answer cannot end it, whatever the style."""
    text = answer.rstrip()
    return text.endswith(",") or bool(_DANGLING.search(text[-20:]))


def cut_off(answer: str) -> str | None:
    """The answer ends in the middle of a sentence: with a letter or comma, in a text that ends its other sentences."""
    if not ends_open(answer):
        return None
    text = answer.rstrip()
    line = text[text.rfind("\n") + 1 :]
    if "```" in text or line.lstrip().startswith(("#", "|", ">")) or _CODE_SIGNS.search(line):
        return None
    ending = quote(text, max(0, len(text) - 70))
    if dangling(text):
        return None if text.endswith(",") and "\n" in text and len(line) < 60 else ending
    before = text[: len(text) - len(line)]
    if _LIST_ITEM.match(line):
        items = [item for item in before.splitlines() if _LIST_ITEM.match(item)]
        ended = sum(item.rstrip()[-1] in ".!?" for item in items)
        return ending if items and ended == len(items) else None
    if before and len(line) < 60 and not _SENTENCE_END.search(line):
        return None  # a verse, a signature, a name under the text
    return ending if _SENTENCE_END.search(line) or (len(line) > 150 and _SENTENCE_END.search(text)) else None


def short(answer: str, question: str) -> str | None:
    text = answer.strip()
    if not text or len(text) > 12:
        return None
    word = text.rstrip(".!").lower() or text
    if word in ("yes", "no", "true", "false") and _YES_NO.match(question.strip()):
        return None
    fact = any(char.isdigit() for char in text) or (len(text) == 1 and text.isalpha() and text.isupper())
    tiny = len(text) < 3 and text.isascii() and not fact
    return quote(text) if tiny or word in NON_ANSWERS else None


def echo(answer: str, question: str) -> str | None:
    """The answer says what was asked and nothing else; case, spaces and punctuation aside."""
    if abs(len(answer) - len(question)) > ECHO_SLACK or " " not in question.strip():
        return None
    told = _WORD.findall(answer.lower())
    return quote(answer) if told and told == _WORD.findall(question.lower()) else None


def boilerplate(answer: str) -> str | None:
    head = answer[:400]
    if not any(map(head.lower().__contains__, _BOILERPLATE_PARTS)):
        return None
    found = _BOILERPLATE.search(head.replace("’", "'"))
    return quote(head, found.start()) if found else None


def role_mixup(question: str, answer: str) -> str | None:
    """The answer ends as a question, and the question does not and is much longer."""
    asked, told = question.rstrip(), answer.rstrip()
    if not told.endswith(("?", "？")) or len(asked) < 1.5 * len(told) or len(asked) < 80:
        return None
    if "?" in asked or _ASKS_FOR_QUESTION.search(asked):
        return None
    return f"answer asks: {quote(told, max(0, len(told) - 90))}"
