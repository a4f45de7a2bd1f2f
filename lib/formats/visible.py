"""Characters that nobody sees, by name: a text cut into what shows itself and labels for what does not.

    visible("a\u200bb") == [("a", False), ("ZWSP", True), ("b", False)]

Names: https://www.unicode.org/charts/PDF/U2000.pdf (General Punctuation); whatever has no short one goes by its code.
"""

from __future__ import annotations

import re
import unicodedata

Pieces = list[tuple[str, bool]]
"""Text and labels in turn; True: a label."""

_NAMES = {
    0x09: "TAB", 0x0A: "LF", 0x0D: "CR", 0x7F: "DEL", 0x85: "NEL", 0xA0: "NBSP", 0xAD: "SHY", 0x200B: "ZWSP",
    0x200C: "ZWNJ", 0x200D: "ZWJ", 0x200E: "LRM", 0x200F: "RLM", 0x2028: "LS", 0x2029: "PS", 0x202A: "LRE",
    0x202B: "RLE", 0x202C: "PDF", 0x202D: "LRO", 0x202E: "RLO", 0x202F: "NNBSP", 0x2060: "WJ", 0x2066: "LRI",
    0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0x3000: "IDSP", 0xFEFF: "BOM",
}  # fmt: skip
# Whatever is no letter, mark, number, sign, line break, tab or space; found first by a cheap pattern.
_CANDIDATE = re.compile(
    r"[^\n\t\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u05ff\u3041-\u30ff\u4e00-\u9fff\uac00-\ud7a3]"
)
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_JOINERS = frozenset("\u200d\ufe0f")
"""Zero-width joiner and the emoji's variation selector: between emoji they belong to the picture."""


def visible(text: str) -> Pieces:
    """Cut a text so that each hidden character stands by itself as a label; spaces, tabs and line breaks stay text."""
    out: Pieces = []
    start = 0
    for match in _CANDIDATE.finditer(text):
        position = match.start()
        if not _hidden(text, position):
            continue
        if position > start:
            out.append((text[start:position], False))
        out.append((label(match[0]), True))
        start = position + 1
    if start < len(text):
        out.append((text[start:], False))
    return out


def label(character: str) -> str:
    """The short name of one character, or its code such as U+E000."""
    number = ord(character)
    return _NAMES.get(number) or f"U+{number:04X}"


def describe(text: str, most: int = 8) -> str:
    """The characters of a short text by code and name, for whoever wants to know exactly: `U+0041 A`."""
    parts = [f"U+{ord(character):04X} {_name(character)}" for character in text[:most]]
    return ", ".join(parts) + (" …" if len(text) > most else "")


def _name(character: str) -> str:
    return unicodedata.name(character, "").lower() or label(character)


def _hidden(text: str, position: int) -> bool:
    character = text[position]
    if character in _JOINERS:
        return not _in_emoji(text, position)
    if unicodedata.category(character) in _HIDDEN:
        return True
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"  # variation selectors


def _in_emoji(text: str, position: int) -> bool:
    before = text[position - 1] if position else ""
    return bool(before) and (
        unicodedata.category(before) in ("So", "Sk") or before in _JOINERS or before in "#*0123456789"
    )
