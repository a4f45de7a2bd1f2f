"""The file: everything of a comparison put into the template beside this module.

Every text from data and models goes through `visible` and Jinja's escaping; the template marks nothing as safe. The
page's own policy forbids scripts and whatever lies outside it, should anything slip through in spite of that.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lib.errors import WrongState
from lib.evaluation import comparisons, slices
from lib.evaluation.comparing import files
from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.metrics import MetricSpec
from lib.evaluation.reference import measured_against
from lib.evaluation.report import answers, facts, figures

MOST_WAYS = 6
"""Ways to slice that are shown; those by length are among the first."""
MOST_GROUPS = 12
# Signs that no HTML may contain, and those that turn the direction of all text after them.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def export_html(comparison_id: int, examples: int = 20, base: str = "") -> bytes:
    """One HTML file of a comparison that has a result.

    Args:
        base: the side that the others are measured against; empty for the first.
        examples: rows that got worse by the main metric, of each tuned side, at most.

    Raises:
        NotFound: no comparison of that number, or no such side.
        WrongState: it has no result yet.
        StorageError: its answers are damaged.
    """
    view = comparisons.get(comparison_id)
    if not view.result:
        raise WrongState(f"Comparison {view.id} is {view.status} and has no result.", "Wait for it, or resume it.")
    if base:
        view = measured_against(view, base)
    page = _environment().get_template("report.html").render(**_content(view, max(0, examples)))
    return page.encode("utf-8", "replace")


def visible(text: str) -> str:
    """The text with a sign in place of what no page can show: controls, lone surrogates, turns of direction."""
    return _UNSEEN.sub(lambda found: _sign(ord(found[0])), text)


def main_metric(view: ComparisonView) -> MetricSpec | None:
    """What examples and slices go by: the first metric that judges the text of an answer, else the first that judges.

    A loss says nothing of the answers that are shown.
    """
    judging = [spec for spec in view.metrics.values() if spec.higher_is_better is not None]
    on_text = [spec for spec in judging if spec.needs == "text"]
    return next(iter(on_text or judging or view.metrics.values()), None)


def _content(view: ComparisonView, examples: int) -> dict[str, Any]:
    spec = main_metric(view)
    base, *others = view.sides or [""]
    stored = spec is not None and files.has_outputs(view.id)
    return {
        "title": f"{' and '.join(others)} against {base}" if others else base,
        "view": view,
        "facts": facts,
        "base": base,
        "blocks": [figures.block(view, tuned) for tuned in others],
        "leaky": [figures.leaky(view, tuned) for tuned in others] if view.result.get("with_leaks") else [],
        "main": spec,
        "slices": [_slices(view, spec, tuned) for tuned in others] if spec and stored else [],
        "worst": [answers.worst(view, spec, tuned, examples) for tuned in others] if spec and stored else [],
    }


def _slices(view: ComparisonView, spec: MetricSpec, tuned: str) -> dict[str, Any]:
    """The groups of each way, with the ways whose groups are all too small left out."""
    found: list[dict[str, Any]] = []
    for by, words in slices.ways(view.id).items():
        if len(found) == MOST_WAYS:
            break
        groups = slices.slices(view.id, by, spec.name, tuned, view.sides[0])
        if any(group.enough for group in groups):
            rows = [figures.row_of_slice(spec, group) for group in groups[:MOST_GROUPS]]
            found.append({"words": words, "rows": figures.placed(rows), "more": len(groups) - len(rows)})
    return {"tuned": tuned, "ways": found}


def _sign(code: int) -> str:
    """Unicode's pictures of controls, and the sign for a character that cannot be shown."""
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
