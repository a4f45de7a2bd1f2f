"""How a run's template writes a conversation, learned from what it writes: chat templates are made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lib.errors import StudioError
from lib.formats import ModelTokenizer, Template, render_text
from lib.formats.context import SEPARATOR
from lib.formats.layout import Layout
from lib.formats.learned import learn
from lib.records import Conversation, Message

Write = Callable[[list[Message], bool], str]
"""(messages, whether the answer is still to come) -> the text of a template."""

_WORD, _INPUT, _GAP = "Vq7wordXw", "Vq7inputXw", "\t\t"


@dataclass(frozen=True)
class Form:
    """A layout with what it does not say.

    `one_pair`: place for one question and one answer. `has_system`: place for a system text.
    `with_input`: what stands before and behind a question with an input, where that is worded otherwise (Alpaca).
    `trims`: place of a text (`system`, `user`, `user after system`, `later user`, `assistant`) -> the method of a text
    that does to its ends what the template does: `strip`, `rstrip`, `lstrip`; none for texts that stay as they are.
    """

    layout: Layout
    one_pair: bool
    trims: dict[str, str]
    with_input: tuple[str, str] | None = None

    @property
    def has_system(self) -> bool:
        return self.layout.before_system is not None and not self.one_pair


def form_of(template: Template, tokenizer: ModelTokenizer) -> Form | None:
    """None when the layout of the template cannot be learned: it changes with what the texts say."""

    def write(messages: list[Message], generation: bool) -> str:
        return render_text(Conversation(tuple(messages)), template, tokenizer, generation=generation)

    def plain(messages: list[dict[str, str]], generation: bool) -> str:
        return write([Message(message["role"], message["content"]) for message in messages], generation)  # type: ignore[arg-type]

    layout = _of_plain(tokenizer) if template.name == "plain" else learn(plain)
    if layout is None:
        return None
    one_pair = template.one_pair or layout.next_user is None
    form = Form(layout, one_pair, _trims(write), _with_input(write, layout))
    return form if _writes_the_same(form, write) else None


def _of_plain(tokenizer: ModelTokenizer) -> Layout:
    """Nothing but a blank line stands between question and answer, which cannot be learned from what is written."""
    return Layout(tokenizer.specials.bos, "\n\n", tokenizer.specials.eos, first_open="\n\n")


def written(form: Form, messages: list[Message]) -> str:
    """The prompt that asks for an answer to the last message: what every chat template made of a form has to write."""
    layout, turns = form.layout, list(messages)
    out = [layout.start]
    system = turns[0].role == "system"
    if system:
        text = _trimmed(form, "system", turns.pop(0).content)
        out = [layout.before_system or "", text, layout.after_system]
    for number, message in enumerate(turns):
        if message.role == "assistant":
            out.append(layout.first_answer if number == 1 else layout.next_answer)
            out.append(_trimmed(form, "assistant", message.content))
            continue
        place = "later user" if number else "user after system" if system else "user"
        out.append((layout.next_user or "") if number else "")
        out.append(_trimmed(form, place, message.content))
    opened = layout.first_open if len(turns) == 1 else layout.next_open
    if form.with_input and SEPARATOR in turns[-1].content:
        return "".join([form.with_input[0], turns[-1].content, form.with_input[1]])
    return "".join([*out, opened])


def _trimmed(form: Form, place: str, text: str) -> str:
    method = form.trims.get(place)
    return str(getattr(text, method)()) if method else text


def _user(text: str) -> Message:
    return Message("user", text)


def _samples(form: Form, gap: str) -> list[list[Message]]:
    """Conversations of every shape that the form has a place for; `gap` stands at both ends of each text."""
    asked, answered = _user(f"{gap}Why is\nit so?{gap}"), Message("assistant", f"{gap}Because\nit is.{gap}")
    shapes = [[asked]] if form.one_pair else [[asked], [asked, answered, asked], [asked, answered] * 2 + [asked]]
    system = Message("system", f"{gap}Be brief.\n\nBe kind.{gap}")
    return [*shapes, *([system, *shape] for shape in shapes if form.has_system)]


def _writes_the_same(form: Form, write: Write) -> bool:
    try:
        return all(
            written(form, messages) == write(messages, True) for gap in ("", " ") for messages in _samples(form, gap)
        )
    except StudioError:
        return False


def _trims(write: Write) -> dict[str, str]:
    """Probed with words between tabs, one place at a time."""
    probe = f"{_GAP}{_WORD}{_GAP}"
    system, user, answer = Message("system", "S"), _user("U"), Message("assistant", "A")
    places = {
        "system": [Message("system", probe), user],
        "user": [_user(probe)],
        "user after system": [system, _user(probe)],
        "later user": [user, answer, _user(probe)],
        "assistant": [user, Message("assistant", probe), user],
    }
    found = {place: _trim(write, messages) for place, messages in places.items()}
    return {place: method for place, method in found.items() if method}


def _trim(write: Write, messages: list[Message]) -> str:
    try:
        before, _, after = write(messages, True).partition(_WORD)
    except StudioError:
        return ""
    left, right = not before.endswith(_GAP), not after.startswith(_GAP)
    return "strip" if left and right else "lstrip" if left else "rstrip" if right else ""


def _with_input(write: Write, layout: Layout) -> tuple[str, str] | None:
    try:
        text = write([Message("user", _WORD, _INPUT)], True)
    except StudioError:
        return None
    before, _, rest = text.partition(_WORD)
    between, _, after = rest.partition(_INPUT)
    usual = (layout.start, layout.first_open)
    return (before, after) if between == SEPARATOR and (before, after) != usual else None
