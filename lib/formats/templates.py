"""Every template by name."""

from __future__ import annotations

from functools import lru_cache

from lib.errors import NotFound
from lib.formats import template_files
from lib.formats.alpaca import ALPACA, ALPACA_INPUT, ALPACA_LORA
from lib.formats.chat_template import MODEL
from lib.formats.custom import custom_template
from lib.formats.guanaco import GUANACO
from lib.formats.llama2 import LLAMA2, LLAMA2_ONELINE
from lib.formats.marked import CHATML, LLAMA3
from lib.formats.plain import PLAIN
from lib.formats.template import Template

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (LLAMA2, LLAMA2_ONELINE, ALPACA, ALPACA_LORA, ALPACA_INPUT, GUANACO, PLAIN, CHATML, LLAMA3, MODEL)
}
"""The templates that come with the studio."""


def get_template(name: str) -> Template:
    """The template of that name; a saved one by its newest version (`mine`) or by that one (`mine@2`).

    A saved template's `name` is always that of its version.

    Raises:
        NotFound: there is none; names those there are.
    """
    if found := TEMPLATES.get(name):
        return found
    base, version = template_files.split_ref(name)
    number = template_files.newest(base) if version is None else version
    if not number or not template_files.exists(base, number):
        raise NotFound(f"There is no template called {name!r}.", f"Use one of: {', '.join(template_names())}.")
    saved = template_files.read(base, number)
    return _made(saved.ref, saved.source, saved.note)


def stored_template(name: str, source: str = "") -> Template:
    """The template that a run has written down: of its own source when it kept one, whatever became of the file.

    Raises:
        NotFound: it kept none, and there is no template of that name.
    """
    return _made(name, source, "") if source else get_template(name)


def template_names() -> list[str]:
    """Names to choose from: those that come with the studio, then saved ones."""
    return [*TEMPLATES, *template_files.names()]


@lru_cache(maxsize=64)
def _made(ref: str, source: str, note: str) -> Template:
    return custom_template(ref, source, note)
