"""The run's template as a chat template in Jinja, for vLLM, transformers and all others that read a model's folder."""

from __future__ import annotations

import json
from dataclasses import replace

from lib.formats import ModelTokenizer, Template
from lib.formats.context import SEPARATOR
from lib.formats.layout import Layout
from lib.formats.model_files import TOKENIZER
from lib.formats.spaces import prefix_scheme
from lib.packaging.wording import Form, form_of

TEMPLATE = "chat_template.jinja"


def chat_template(template: Template, tokenizer: ModelTokenizer) -> str | None:
    """A source that writes prompts as the template does; None when there is none.

    Begin and end tokens stand in it as they are: what others call `bos_token` may be one that this model never saw at
    the start of a text.
    """
    if template.needs_tokenizer:
        return _own(tokenizer)
    if template.source:
        names = {"bos_token": _begin(tokenizer), "eos_token": tokenizer.specials.eos}
        return _named(names) + template.source
    form = form_of(template, tokenizer)
    return _source(template.name, _begun(form, tokenizer)) if form else None


def _own(tokenizer: ModelTokenizer) -> str | None:
    """The base's own chat template."""
    bos, begin = tokenizer.specials.bos, _begin(tokenizer)
    if tokenizer.chat is None:
        return None
    return tokenizer.chat.source if bos == begin else _named({"bos_token": begin}) + tokenizer.chat.source


def _named(names: dict[str, str]) -> str:
    """Names that a template is given here, with the values that they have here."""
    sets = "".join(f"{{% set {name} = {_text(value)} %}}" for name, value in names.items())
    return sets + "{{ '' }}"  # else a line break at the start of the source would be taken for that of these


def _begin(tokenizer: ModelTokenizer) -> str:
    """The begin token as others have to write it.

    Some tokenizers put a space in front of a text but not behind a token that stands in the text: there it is written.
    """
    description = json.loads((tokenizer.path / TOKENIZER).read_bytes())
    bos = tokenizer.specials.bos
    return f"{bos} " if bos and prefix_scheme(description) == "first" else bos


def _begun(form: Form, tokenizer: ModelTokenizer) -> Form:
    """The form with the begin token as `_begin` has it."""
    bos, begin = tokenizer.specials.bos, _begin(tokenizer)
    if bos == begin:
        return form
    texts = {name: text.replace(bos, begin) for name, text in vars(form.layout).items() if isinstance(text, str)}
    before, after = form.with_input or ("", "")
    with_input = (before.replace(bos, begin), after) if form.with_input else None
    return replace(form, layout=Layout(**texts), with_input=with_input)


def _source(name: str, form: Form) -> str:
    layout = form.layout
    system = (
        f"{{%- if system -%}}{{{{- {_text(layout.before_system or '')} + {_trimmed('messages[0]', form, 'system')} + "
        f"{_text(layout.after_system)} -}}}}{{%- else -%}}{{{{- {_text(layout.start)} -}}}}{{%- endif -%}}"
        if form.has_system
        else f"{{{{- {_text(layout.start)} -}}}}"
    )
    lines = [
        "{%- set system = messages[0]['role'] == 'system' -%}",
        *_refusals(name, form),
        "{%- set turns = messages[1:] if system else messages -%}",
        "{%- for message in turns -%}",
        "  {%- if message['role'] != ('user', 'assistant')[loop.index0 % 2] -%}",
        f"    {{{{- raise_exception({_text(f'{name}: user and assistant speak in turn')}) -}}}}",
        "  {%- endif -%}",
        "  {%- if message['role'] == 'assistant' -%}",
        *([] if form.with_input else [_before_answer(layout)]),
        f"    {{{{- {_trimmed('message', form, 'assistant')} -}}}}",
        f"    {{%- if loop.last -%}}{{{{- {_text(layout.end)} -}}}}{{%- endif -%}}",
        *_questions(form, system),
        "  {%- endif -%}",
        "{%- endfor -%}",
    ]
    return "\n".join(lines) + "\n"


def _questions(form: Form, start: str) -> list[str]:
    layout = form.layout
    opened = f"{_text(layout.first_open)} if loop.index0 == 0 else {_text(layout.next_open)}"
    if form.with_input:
        before, after = map(_text, form.with_input)
        opens = "if not loop.last or add_generation_prompt else ''"
        return [
            f"  {{%- elif {_text(SEPARATOR)} in message['content'] -%}}",
            f"    {{{{- {before} + message['content'] + ({after} {opens}) -}}}}",
            "  {%- else -%}",
            f"    {{{{- {_text(layout.start)} + message['content'] + ({_text(layout.first_open)} {opens}) -}}}}",
        ]
    return [
        "  {%- else -%}",
        f"    {{%- if loop.index0 == 0 -%}}{start}",
        f"      {{%- if system -%}}{{{{- {_trimmed('message', form, 'user after system')} -}}}}",
        f"      {{%- else -%}}{{{{- {_trimmed('message', form, 'user')} -}}}}{{%- endif -%}}",
        f"    {{%- else -%}}{{{{- {_text(layout.next_user or '')} + {_trimmed('message', form, 'later user')} -}}}}",
        "    {%- endif -%}",
        f"    {{%- if loop.last and add_generation_prompt -%}}{{{{- {opened} -}}}}{{%- endif -%}}",
    ]


def _before_answer(layout: Layout) -> str:
    return f"    {{{{- {_text(layout.first_answer)} if loop.index0 == 1 else {_text(layout.next_answer)} -}}}}"


def _refusals(name: str, form: Form) -> list[str]:
    found = []
    if not form.has_system:
        found.append(("system", "there is no place for a system message"))
    if form.one_pair:
        found.append(("messages | length > 2", "there is place for one question and one answer only"))
    return [
        f"{{%- if {condition} -%}}{{{{- raise_exception({_text(f'{name}: {reason}')}) -}}}}{{%- endif -%}}"
        for condition, reason in found
    ]


def _trimmed(message: str, form: Form, place: str) -> str:
    method = form.trims.get(place)
    return f"{message}['content']" + (f".{method}()" if method else "")


def _text(literal: str) -> str:
    """A text as Jinja reads it back: as JSON writes it, characters beyond ASCII as they are."""
    return json.dumps(literal, ensure_ascii=False)
