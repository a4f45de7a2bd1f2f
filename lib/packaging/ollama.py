"""An Ollama Modelfile for a merged model: the run's template in Go's template language, and the stop words.

https://docs.ollama.com/modelfile and https://pkg.go.dev/text/template. The begin token is left to Ollama, which puts
it in front of every prompt by itself. Go's templates cannot look into texts: whitespace at their ends stays, and the
wordings of Alpaca for a question with an input are not used.
"""

from __future__ import annotations

import json
import shlex

from lib.errors import CannotCarry
from lib.formats import ModelTokenizer, Template
from lib.packaging.wording import Form, form_of

MODELFILE = "Modelfile"
_QUOTES = '"""'


def modelfile(template: Template, tokenizer: ModelTokenizer) -> str:
    """The text of a Modelfile that lies in the merged model's folder.

    Raises:
        CannotCarry: the template cannot be written in Go's language; says which and why.
    """
    form = form_of(template, tokenizer)
    if form is None:
        raise _cannot(template, "its layout changes with what the messages say")
    source = go_template(form, tokenizer.specials.bos)
    if _QUOTES in source:
        raise _cannot(template, "it holds three quotation marks, which end a template there")
    stops = [f"PARAMETER stop {_quoted(word)}" for word in stop_words(form, template, tokenizer)]
    return "\n".join(["FROM .", "", f"TEMPLATE {_QUOTES}{source}{_QUOTES}", "", *stops]) + "\n"


def command(name: str) -> str:
    """Take a merged model into Ollama, in its folder."""
    return f"ollama create {shlex.quote(name)} -f {MODELFILE} && ollama run {shlex.quote(name)}"


def stop_words(form: Form, template: Template, tokenizer: ModelTokenizer) -> list[str]:
    """The tokens that end an answer, and the mark with which a model would go on to the next question."""
    ends = [tokenizer.decode([number], skip_special_tokens=False) for number in tokenizer.stop_ids(template)]
    opening = form.layout.next_user or form.layout.start
    behind = opening.rpartition(tokenizer.specials.eos)[2] if tokenizer.specials.eos else opening
    marks = sorted((mark for mark in form.layout.marks if mark in behind), key=behind.index)
    question = [mark for mark in marks if mark not in (tokenizer.specials.bos, tokenizer.specials.eos)]
    words = dict.fromkeys([*ends, *question[:1]])
    return [word for word in words if word.strip() and "\n" not in word]


def go_template(form: Form, bos: str) -> str:
    """The form in Go's template language. It is given `.System` and `.Messages`, roles as elsewhere."""
    layout = form.layout
    if form.one_pair:  # the last question only: there is no place for more
        asked = f"{_raw(layout.start.removeprefix(bos))}{{{{ .Content }}}}{_raw(layout.first_open)}"
        last = "eq (len (slice $.Messages $i)) 1"
        return f"{{{{ range $i, $m := .Messages }}}}{{{{ if {last} }}}}{asked}{{{{ end }}}}{{{{ end }}}}"
    start = _raw(layout.start.removeprefix(bos))
    if form.has_system:
        before = _raw((layout.before_system or "").removeprefix(bos))
        system = f"{before}{{{{ $.System }}}}{_raw(layout.after_system)}"
        start = f"{{{{ if $.System }}}}{system}{{{{ else }}}}{start}{{{{ end }}}}"
    return "".join(
        [
            '{{ $turn := "" }}{{ $asked := false }}{{ range .Messages }}',
            '{{ if eq .Role "user" }}{{ $asked = true }}{{ if $turn }}{{ $turn = "later" }}',
            f'{_raw(layout.next_user or "")}{{{{ else }}}}{{{{ $turn = "first" }}}}{start}',
            "{{ end }}{{ .Content }}",
            '{{ else if eq .Role "assistant" }}{{ $asked = false }}',
            f"{_by_turn(layout.first_answer, layout.next_answer)}{{{{ .Content }}}}{{{{ end }}}}{{{{ end }}}}",
            f"{{{{ if $asked }}}}{_by_turn(layout.first_open, layout.next_open)}{{{{ end }}}}",
        ]
    )


def _by_turn(first: str, later: str) -> str:
    if first == later:
        return _raw(first)
    return f'{{{{ if eq $turn "first" }}}}{_raw(first)}{{{{ else }}}}{_raw(later)}{{{{ end }}}}'


def _raw(text: str) -> str:
    """A text as it stands between actions; one that would be taken for an action, or is lost at its ends, quoted."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if "{{" in text else text


def _quoted(word: str) -> str:
    return f"{_QUOTES}{word}{_QUOTES}" if '"' in word else f'"{word}"'


def _cannot(template: Template, reason: str) -> CannotCarry:
    return CannotCarry(
        f"The template {template.name} cannot be written for Ollama: {reason}.",
        "Serve the merged model with vLLM, which reads its chat template.",
    )
