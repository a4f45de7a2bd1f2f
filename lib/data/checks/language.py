"""The language of each row's answer, and the rows that differ from what most have."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator

from lib.data.checks.report import Finding

LANGUAGES = (
    "ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "ta", "th", "tr", "uk", "ur",
    "vi", "zh",
)  # fmt: skip
MIN_CHARS = 40
MAX_CHARS = 300
MARGIN = 15.0  # nats between the best language and the expected one, below which nothing is said
_ASKED_FOR = re.compile(
    r"translat|übersetz|traduc|\b(?:in|into|to|from) (?:french|german|spanish|italian|portuguese|dutch|chinese|japanese"
    r"|korean|russian|arabic|hindi|latin|polish|turkish|swedish|greek|english)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"```|[{};]\s*$", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]")


class Languages:
    """Holds one byte a row that was judged; findings come when the majority is known."""

    def __init__(self, wanted: str | None) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
        self._identifier.set_languages(list(LANGUAGES))
        self._wanted = wanted
        self._rows: array[int] = array("q")
        self._codes = array("B")

    def add(self, row_id: int, answer: str, question: str) -> None:
        text = answer[:MAX_CHARS].strip()
        wide = not text.isascii() and len(text.encode()) > 2 * len(text)
        if len(text) * (3 if wide else 1) < MIN_CHARS or _ASKED_FOR.search(question) or _CODE.search(text):
            return
        if len(_LETTERS.findall(text)) < 0.6 * len(text):
            return
        (best, top), (_, second) = self._identifier.rank(text)[:2]
        if top - second >= MARGIN:
            self._rows.append(row_id)
            self._codes.append(LANGUAGES.index(best))

    def findings(self) -> Iterator[Finding]:
        if not self._codes:
            return
        usual = self._wanted or LANGUAGES[Counter(self._codes).most_common(1)[0][0]]
        for row_id, code in zip(self._rows, self._codes, strict=True):
            if LANGUAGES[code] != usual:
                yield Finding(row_id, "wrong_language", f"looks like {LANGUAGES[code]}, not {usual}")
