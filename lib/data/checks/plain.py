"""Plain text out of HTML and broken tables. Code blocks stay as they are, and so do whole Markdown tables."""

from __future__ import annotations

import re
from html import unescape

from lib.data.checks.texts import CODE, HTML

PASSES = 4  # for entities that are entities of entities
_UNSEEN = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL)
_ITEM = re.compile(r"(?:(?<!\s)\s+)?(?:</li\s*>\s*)?<li(?:\s[^<>]*)?>\s*", re.IGNORECASE)
_BREAK = re.compile(
    r"(?:(?<![ \t])[ \t]+)?"
    r"</?(?:p|br|hr|div|ul|ol|li|table|thead|tbody|tr|h[1-6]|section|body|html|head|form|center|pre)"
    r"(?:\s[^<>]*)?/?>[ \t]*",
    re.IGNORECASE,
)
_CELL = re.compile(r"</t[dh]\s*>\s*<t[dh](?:\s[^<>]*)?>", re.IGNORECASE)
_EMPTY_ROW = re.compile(r"^\|(?:[ \t]*\|){2,}[ \t]*$\n?", re.MULTILINE)
_STRAY_RULE = re.compile(r"^\|?:?-{3,}:?[ \t]+(?=[^\W\d_])(.*)$", re.MULTILINE)
_SCRIPT_LINK = re.compile(r"!?\[([^\[\]]*)\]\(\s*javascript:[^\s()]*(?:\([^()]*\)[^\s()]*)*\s*\)?", re.IGNORECASE)
_MANY_BREAKS = re.compile(r"(?:(?<![ \t])[ \t]+)?\n(?:[ \t]*\n)+")


def plain(text: str) -> str:
    """The text without tags, entities, empty table rows and links to scripts."""
    pieces: list[str] = []
    end = 0
    for code in CODE.finditer(text):
        pieces += [_plain(text[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*pieces, _plain(text[end:])]).strip()


def _plain(text: str) -> str:
    for _ in range(PASSES):
        before = text
        text = unescape(_without_tags(text)).replace("\xa0", " ")
        if text == before:
            break
    text = _EMPTY_ROW.sub("", text)
    text = _STRAY_RULE.sub(lambda rule: rule[1].rstrip(" \t|"), text)
    return _SCRIPT_LINK.sub(r"\1", text)


def _without_tags(text: str) -> str:
    if not HTML.search(text) and "<!--" not in text:
        return text
    text = _ITEM.sub("\n- ", _CELL.sub(" ", _UNSEEN.sub("", text)))
    return _MANY_BREAKS.sub("\n\n", HTML.sub("", _BREAK.sub("\n", text)))
