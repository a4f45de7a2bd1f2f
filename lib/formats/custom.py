"""A template of one's own: a source in Jinja made into a `Template`."""

from __future__ import annotations

import re
from functools import lru_cache

from lib.errors import CannotCarry
from lib.formats.chat_template import ChatTemplate
from lib.formats.checks import OTHER
from lib.formats.segments import LITERAL, Segment, Specials, find_any
from lib.formats.template import Template
from lib.records import Conversation

_END_MARK = re.compile(r"\s*(<[^<>\s]{1,40}>)")
_HELP = "Written here, in Jinja."


def custom_template(name: str, source: str, note: str = "") -> Template:
    """The template of a source that has no faults (see `check_source`). `name` is what it is stored and run under.

    It is given `bos_token` and `eos_token` of the tokenizer in use, `<s>` and `</s>` without one; the other tokens by
    name are empty. Alpaca's input is part of the user's text, as in other templates without a place for it.
    """
    layout = _chat(name, source, LITERAL).layout
    mark = _END_MARK.match(layout.end) if layout else None
    return Template(
        name=name,
        label=name,
        help=note or _HELP,
        segments=lambda conversation, specials, generation: _write(name, source, conversation, specials, generation),
        parse=(lambda text, specials: _chat(name, source, specials).parse(text)) if layout else None,
        tags=layout.marks - LITERAL.known if layout else frozenset(),
        end_of_turn=mark[1] if mark and mark[1] not in LITERAL.known else "",
        source=source,
    )


@lru_cache(maxsize=64)
def _chat(name: str, source: str, specials: Specials) -> ChatTemplate:
    names = {"bos_token": specials.bos, "eos_token": specials.eos, "additional_special_tokens": []}
    others = dict.fromkeys(("unk_token", "sep_token", "pad_token", "cls_token", "mask_token"), "")
    return ChatTemplate(source, names | others, specials.known, name)


def _write(name: str, source: str, conversation: Conversation, specials: Specials, generation: bool) -> list[Segment]:
    for number, message in enumerate(conversation.messages, start=1):
        # In the text that the template writes, they could not be told from its own.
        token = find_any(message.content, specials.known) or find_any(message.context, specials.known)
        if token:
            raise CannotCarry(
                f"{name} cannot carry message {number} ({message.role}): it holds {token}, a special token of the "
                "model.",
                OTHER,
            )
    return _chat(name, source, specials).segments(conversation, generation=generation)
