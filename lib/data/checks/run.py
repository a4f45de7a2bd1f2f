"""All checks over one version of a dataset, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lib.data.checks import answers, private, texts
from lib.data.checks.catalogue import CHECKS
from lib.data.checks.language import Languages
from lib.data.checks.lengths import Lengths
from lib.data.checks.report import CheckReport, Finding, Settings
from lib.data.datasets import DatasetInfo, conversations
from lib.errors import BadInput
from lib.formats.render import get_template
from lib.records import Conversation

PROGRESS_ROWS = 1024
DEFAULT = Settings()


def run_checks(
    info: DatasetInfo, settings: Settings = DEFAULT, progress: Callable[[int, int | None], None] | None = None
) -> CheckReport:
    """Check every row. `progress` is called with the rows done and all rows.

    Raises:
        NotFound: no template of that name.
        BadInput: a threshold that is no share; see also `conversations`.
        StorageError: the stored file is missing or damaged.
    """
    from lib.data.checks.repeats import Repeats

    if not 0 < settings.near_duplicate_threshold <= 1:
        raise BadInput("The threshold for near-duplicates is out of range.", "Give a number above 0, up to 1.")
    if settings.template is not None:
        get_template(settings.template)
    special = settings.tokenizer.specials.known if settings.tokenizer else frozenset()
    tags = texts.tags_of(settings.template, special)
    repeats, languages = Repeats(settings.near_duplicate_threshold), Languages(settings.language)
    lengths = Lengths(settings)
    found: list[Finding] = []
    for done, (row_id, conversation) in enumerate(conversations(info)):
        if progress and done % PROGRESS_ROWS == 0:
            progress(done, info.rows)
        found += [Finding(row_id, check, detail) for check, detail in row_findings(conversation, tags)]
        repeats.add(row_id, conversation)
        languages.add(row_id, conversation.answer(), conversation.prompt().messages[-1].content)
        lengths.add(row_id, conversation)
    found += [*repeats.findings(conversations(info)), *languages.findings(), *lengths.findings()]
    if progress:
        progress(info.rows, info.rows)
    order = {name: number for number, name in enumerate(CHECKS)}
    found.sort(key=lambda finding: (finding.row_id, order[finding.check]))
    return CheckReport(info.name, info.version, info.rows, found)


def row_findings(conversation: Conversation, tags: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Check and detail, each check at most once, of what one row alone shows."""
    whole = (
        ("empty", texts.empty(conversation)),
        ("placeholder", texts.placeholder(conversation)),
        ("role_order", texts.role_order(conversation)),
    )
    yield from ((check, detail) for check, detail in whole if detail)
    told: set[str] = set()
    about = ""
    for message in conversation.messages:
        about = message.content if message.role == "user" else about
        shown = about if message.role == "assistant" else ""
        for text in (message.context, message.content):
            if text:
                yield from _first((*_of_text(text, shown, tags),), told)
        if message.role == "assistant":
            yield from _first((*_of_answer(message.content, about),), told)


def _first(details: tuple[tuple[str, str | None], ...], told: set[str]) -> Iterator[tuple[str, str]]:
    for check, detail in details:
        if detail and check not in told:
            told.add(check)
            yield check, detail


def _of_text(text: str, about: str, tags: frozenset[str]) -> Iterator[tuple[str, str | None]]:
    yield "personal_data", private.personal_data(text)
    yield "secret", private.secret(text)
    yield "markup", texts.markup(text, about)
    yield "mojibake", texts.mojibake(text)
    yield "template_tags", texts.template_tags(text, tags)


def _of_answer(answer: str, question: str) -> Iterator[tuple[str, str | None]]:
    yield "cut_off", answers.cut_off(answer)
    yield "merged", texts.merged(answer, question)
    yield "short", answers.short(answer, question)
    yield "boilerplate", answers.boilerplate(answer)
    yield "role_mixup", answers.role_mixup(question, answer)
