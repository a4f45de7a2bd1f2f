"""All checks over the rows of a version or of its working copy, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing

from lib.data import datasets
from lib.data.checks import endings, helpers, language, lengths
from lib.data.checks.catalogue import CHECKS
from lib.data.checks.judge import Row
from lib.data.checks.repeats import Repeats
from lib.data.checks.report import CheckReport, Finding, Settings
from lib.data.datasets import DatasetInfo
from lib.formats.templates import get_template
from lib.progress import Progress

DEFAULT = Settings()
Rows = Callable[[], Iterable[Row]]
"""Gives row ids and conversations in order of the ids, the same each time it is called."""


def run_checks(
    rows: Rows,
    count: int,
    settings: Settings = DEFAULT,
    progress: Progress | None = None,
    *,
    dataset: str = "",
    version: int = 0,
    seq: int = 0,
) -> CheckReport:
    """Check every row. `dataset`, `version` and `seq` only name what was checked; see `CheckReport`.

    Raises:
        NotFound: no template or check of that name.
        BadInput: a threshold out of range.
        WrongState: a helper process was killed.
        StorageError: the disk of temporary files is full; see also what `rows` raises.
    """
    chosen = settings.chosen()
    if settings.template is not None:
        get_template(settings.template)
    tell = progress or (lambda done, total: None)
    repeats = Repeats(settings.near_duplicate_threshold, chosen, lambda: tell(count, count))
    ends, languages, sizes = endings.Judged(), language.Judged(), lengths.Judged()
    found: list[Finding] = []
    done = 0
    tell(done, count)
    with closing(helpers.judged(rows(), count, settings)) as judged:
        for part in judged:
            found += part.findings
            ends.extend(part.endings)
            languages.extend(part.languages)
            sizes.extend(part.lengths)
            if part.repeats:
                repeats.extend(part.repeats)
            done += part.rows
            tell(done, max(count, done))
    found += [*repeats.findings(rows), *ends.findings(), *languages.findings(settings.language), *sizes.findings()]
    tell(done, done)
    order = {name: number for number, name in enumerate(CHECKS)}
    found.sort(key=lambda finding: (finding.row_id, order[finding.check]))
    return CheckReport(dataset, version, done, found, tuple(name for name in CHECKS if name in chosen), seq)


def run_checks_of(info: DatasetInfo, settings: Settings = DEFAULT, progress: Progress | None = None) -> CheckReport:
    """`run_checks` of a saved version; raises also what `datasets.conversations` raises."""
    return run_checks(
        lambda: datasets.conversations(info),
        info.rows,
        settings,
        progress,
        dataset=info.name,
        version=info.version,
    )
