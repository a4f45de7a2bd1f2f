"""The language of each row's answer, and the rows that differ from what most have."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from lib.data.checks.report import Finding

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LANGUAGES = (
    "ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "ta", "th", "tr", "uk", "ur",
    "vi", "zh",
)  # fmt: skip
MIN_CHARS = 40
FIRST_CHARS = 80  # enough where the languages then lie far apart, which saves half of the time
MAX_CHARS = 300
MARGIN = 15.0  # nats between the best language and the second, below which nothing is said
_ASKED_WORDS = (
    "translat", "übersetz", "traduc", "french", "german", "spanish", "italian", "portuguese", "dutch", "chinese",
    "japanese", "korean", "russian", "arabic", "hindi", "latin", "polish", "turkish", "swedish", "greek", "english",
)  # fmt: skip
_ASKED_FOR = re.compile(rf"{'|'.join(_ASKED_WORDS[:3])}|\b(?:in|into|to|from) (?:{'|'.join(_ASKED_WORDS[3:])})\b")
_CODE = re.compile(r"```|[{};]\s*$", re.MULTILINE)
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())


@dataclass(frozen=True)
class Judged:
    """Rows whose language is plain, and its number in `LANGUAGES`; nine bytes a row."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    codes: array[int] = field(default_factory=lambda: array("B"))

    def extend(self, other: Judged) -> None:
        self.rows.extend(other.rows)
        self.codes.extend(other.codes)

    def add(self, row_id: int, answer: str, question: str) -> None:
        """Judge an answer and keep what was found, when it is plain."""
        language = language_of(answer, question)
        if language is not None:
            self.rows.append(row_id)
            self.codes.append(LANGUAGES.index(language))

    def findings(self, wanted: str | None) -> Iterator[Finding]:
        """Rows in another language than `wanted`, or than most when None."""
        if not self.codes:
            return
        usual = wanted or LANGUAGES[Counter(self.codes).most_common(1)[0][0]]
        for row_id, code in zip(self.rows, self.codes, strict=True):
            if LANGUAGES[code] != usual:
                yield Finding(row_id, "wrong_language", f"looks like {LANGUAGES[code]}, not {usual}")


def language_of(answer: str, question: str) -> str | None:
    """The language of an answer; None where it is short, mostly signs, not plain, or asked for by the question."""
    text = answer[:MAX_CHARS].strip()
    wide = not text.isascii() and len(text.encode(errors="replace")) > 2 * len(text)
    if len(text) * (3 if wide else 1) < MIN_CHARS or _asked_for(question) or _CODE.search(text):
        return None
    if _letters(text) < 0.6 * len(text):
        return None
    if len(text) > FIRST_CHARS:
        best, margin = _ranked(text[:FIRST_CHARS])
        if margin >= 2 * MARGIN:
            return best
    best, margin = _ranked(text)
    return best if margin >= MARGIN else None


def _ranked(text: str) -> tuple[str, float]:
    (best, top), (_, second) = _identifier().rank(text)[:2]
    return best, top - second


def _asked_for(question: str) -> bool:
    lower = question.lower()
    return any(map(lower.__contains__, _ASKED_WORDS)) and bool(_ASKED_FOR.search(lower))


def _letters(text: str) -> int:
    return len(text.encode().translate(None, _NO_LETTERS)) if text.isascii() else sum(map(str.isalpha, text))


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    return identifier
