"""Every template by name."""

from __future__ import annotations

from lib.errors import NotFound
from lib.formats.alpaca import ALPACA, ALPACA_INPUT, ALPACA_LORA
from lib.formats.chat_template import MODEL
from lib.formats.llama2 import LLAMA2, LLAMA2_ONELINE
from lib.formats.marked import CHATML, LLAMA3
from lib.formats.template import Template

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (LLAMA2, LLAMA2_ONELINE, ALPACA, ALPACA_LORA, ALPACA_INPUT, CHATML, LLAMA3, MODEL)
}
"""The templates that come with the studio."""


def get_template(name: str) -> Template:
    """The template of that name.

    Raises:
        NotFound: there is none; names those there are.
    """
    if name not in TEMPLATES:
        raise NotFound(f"There is no template called {name!r}.", f"Use one of: {', '.join(template_names())}.")
    return TEMPLATES[name]


def template_names() -> list[str]:
    """Names to choose from."""
    return list(TEMPLATES)
