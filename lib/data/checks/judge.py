"""What a batch of rows shows: findings of rows alone, and what the checks that compare rows need of them.

A `Judge` runs in the process that reads the rows or in helpers beside it; `Judged` is what it hands over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lib.data.checks import answers, endings, language, lengths, private, repeats, texts
from lib.data.checks.report import Finding, Settings
from lib.records import Conversation

Row = tuple[int, Conversation]
Detail = str | None
Look = TypeVar("Look")

OF_ROW: dict[str, Callable[[Conversation], Detail]] = {
    "empty": texts.empty,
    "placeholder": texts.placeholder,
    "role_order": texts.role_order,
}
OF_TEXT: dict[str, Callable[[str, str], Detail]] = {
    "personal_data": lambda text, about: private.personal_data(text),
    "secret": lambda text, about: private.secret(text),
    "markup": texts.markup,
    "mojibake": lambda text, about: texts.mojibake(text),
}
"""Of a text, and of the question where it is an answer."""
OF_ANSWER: dict[str, Callable[[str, str], Detail]] = {
    "merged": texts.merged,
    "short": answers.short,
    "echo": answers.echo,
    "boilerplate": lambda answer, question: answers.boilerplate(answer),
    "role_mixup": lambda answer, question: answers.role_mixup(question, answer),
}


@dataclass(frozen=True)
class Judged:
    """Of `rows` rows. Parts of checks that were not chosen stay empty."""

    rows: int
    findings: list[Finding]
    endings: endings.Judged
    languages: language.Judged
    lengths: lengths.Judged
    repeats: repeats.Judged | None


class Judge:
    """Looks at rows as the settings say.

    Raises:
        NotFound: no check of a name that was chosen.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._chosen = settings.chosen()
        special = settings.tokenizer.specials.known if settings.tokenizer else frozenset()
        tags = texts.tags_of(settings.template, special)
        of_text = {**OF_TEXT, "template_tags": lambda text, about: texts.template_tags(text, tags)}
        self._of_row = _those(OF_ROW, self._chosen)
        self._of_text = _those(of_text, self._chosen)
        self._of_answer = _those(OF_ANSWER, self._chosen)

    def __call__(self, batch: Sequence[Row]) -> Judged:
        chosen, settings = self._chosen, self._settings
        compared = bool(repeats.CHECKS & chosen)
        judged = Judged(
            len(batch),
            [Finding(row_id, check, detail) for row_id, row in batch for check, detail in self.details(row)],
            endings.Judged(),
            language.Judged(),
            lengths.Judged(),
            repeats.Judged.of(batch, "near_duplicate" in chosen) if compared else None,
        )
        for row_id, conversation in batch:
            if "cut_off" in chosen:
                judged.endings.add(row_id, conversation)
            if "wrong_language" in chosen:
                asked = conversation.messages[-2:][0].content
                judged.languages.add(row_id, conversation.answer(), asked)
            if "long" in chosen:
                judged.lengths.add(row_id, conversation, settings)
        return judged

    def details(self, conversation: Conversation) -> Iterator[tuple[str, str]]:
        """Check and detail, each check at most once, of what one row alone shows."""
        told: set[str] = set()
        for check, detail in self._each(conversation):
            if detail and check not in told:
                told.add(check)
                yield check, detail

    def _each(self, conversation: Conversation) -> Iterator[tuple[str, Detail]]:
        yield from ((check, look(conversation)) for check, look in self._of_row)
        about = ""
        for message in conversation.messages:
            about = message.content if message.role == "user" else about
            shown = about if message.role == "assistant" else ""
            for text in (message.context, message.content):
                if text:
                    yield from ((check, look(text, shown)) for check, look in self._of_text)
            if message.role == "assistant":
                yield from ((check, look(message.content, about)) for check, look in self._of_answer)


def _those(looks: dict[str, Look], chosen: frozenset[str]) -> list[tuple[str, Look]]:
    return [(check, look) for check, look in looks.items() if check in chosen]
