"""The metrics that come with the studio: name on screen, range, direction, help, signature."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER

from lib.evaluation.metrics import texts
from lib.evaluation.metrics.spec import MetricSpec


def _sacrebleu(name: str, metric: Any, rows: str = "") -> str:
    """sacrebleu's own signature, which exists only after something was scored."""
    metric.corpus_score(["a"], [["a"]])
    return f"sacrebleu {name}|{metric.get_signature()}{rows}"


def _rouge_spec(kind: str, label: str, measures: str) -> MetricSpec:
    return MetricSpec(
        name=kind,
        label=label,
        range=(0.0, 1.0),
        higher_is_better=True,
        help=f"{measures}, as F1 from 0 to 1; higher is better. It sees only a-z and 0-9: use chrF for other scripts.",
        signature=f"rouge_score|{kind} F1|stemmer:no|version:{version('rouge_score')}|mean of rows",
        needs="text",
        digits=3,
    )


def _distinct_spec(size: int, pieces: str) -> MetricSpec:
    return MetricSpec(
        name=f"distinct{size}",
        label=f"Distinct-{size}",
        range=(0.0, 1.0),
        higher_is_better=None,
        help=f"Share of different {pieces} within an answer, mean of the answers: low where it repeats itself. "
        "Short answers are high in it, so neither direction is better.",
        signature=f"tandem distinct-{size}|casefold|punctuation dropped|version:1|mean of rows",
        needs="answer",
        digits=3,
    )


_SPECS = (
    MetricSpec(
        name="bleu",
        label="BLEU",
        range=(0.0, 100.0),
        higher_is_better=True,
        help="Runs of 1 to 4 words of the answers that stand in the references, from 0 to 100; higher is better. "
        "Counts of all rows are added up; a single row's value leaves out runs that it is too short for.",
        signature=_sacrebleu("BLEU", BLEU(), "|rows: eff:yes"),
        needs="text",
        digits=1,
    ),
    MetricSpec(
        name="chrf",
        label="chrF",
        range=(0.0, 100.0),
        higher_is_better=True,
        help="Overlap of pieces of 1 to 6 characters, counts of all rows added up, from 0 to 100; higher is better.",
        signature=_sacrebleu("chrF2", CHRF()),
        needs="text",
        digits=1,
    ),
    MetricSpec(
        name="ter",
        label="TER",
        range=(0.0, None),
        higher_is_better=False,
        help="Edits, words moved included, that turn the answers into the references, per 100 words of reference; "
        "0 is none, no upper bound; lower is better. Slow: about 0.1 s for a row of 80 words.",
        signature=_sacrebleu("TER", TER()),
        needs="text",
        digits=1,
    ),
    _rouge_spec("rouge1", "ROUGE-1", "Words that answer and reference share"),
    _rouge_spec("rouge2", "ROUGE-2", "Pairs of words that answer and reference share"),
    _rouge_spec("rougeL", "ROUGE-L", "Longest sequence of words that both have in this order"),
    MetricSpec(
        name="exact_match",
        label="Exact match",
        range=(0.0, 1.0),
        higher_is_better=True,
        help="Share of answers equal to the reference, from 0 to 1, whatever the case and the spacing; "
        "higher is better.",
        signature="tandem exact_match|casefold|whitespace collapsed|version:1",
        needs="text",
        digits=3,
        pass_fail=True,
    ),
    MetricSpec(
        name="token_f1",
        label="Token F1",
        range=(0.0, 1.0),
        higher_is_better=True,
        help="Words that answer and reference share in any order, as F1 from 0 to 1; higher is better. "
        "Words end at white space: use chrF for scripts without it.",
        signature="tandem token_f1|casefold|punctuation dropped|articles kept|version:1|mean of rows",
        needs="text",
        digits=3,
    ),
    MetricSpec(
        name="perplexity",
        label="Perplexity of the reference",
        range=(1.0, None),
        higher_is_better=False,
        help="How unexpected the reference is to the model, per token: 1 is certain, no upper bound; lower is better. "
        "Comparable only between models that split text into the same tokens.",
        signature="tandem perplexity|exp(nats / reference tokens)|version:1",
        needs="loss",
        digits=2,
    ),
    MetricSpec(
        name="bits_per_byte",
        label="Bits per byte of the reference",
        range=(0.0, None),
        higher_is_better=False,
        help="How unexpected the reference is to the model, in bits per byte of its text (UTF-8): 0 is certain, "
        "no upper bound; lower is better. Comparable between models with different tokens too.",
        signature="tandem bits_per_byte|bits of all tokens / UTF-8 bytes of the reference|version:1",
        needs="loss",
        digits=3,
    ),
    MetricSpec(
        name="length_ratio",
        label="Length ratio",
        range=(0.0, None),
        higher_is_better=None,
        help="Characters of all answers by characters of all references: 1 is as long as expected, 2 twice as long. "
        "Neither direction is better.",
        signature="tandem length_ratio|characters|version:1",
        needs="text",
        digits=2,
    ),
    _distinct_spec(1, "words"),
    _distinct_spec(2, "pairs of words"),
    MetricSpec(
        name="stop_rate",
        label="Stop rate",
        range=(0.0, 1.0),
        higher_is_better=True,
        help="Share of answers that the model ended itself, before the limit on new tokens, from 0 to 1; "
        "higher is better.",
        signature="tandem stop_rate|ended by an end token|version:1",
        needs="answer",
        digits=3,
        pass_fail=True,
    ),
)

METRICS: dict[str, MetricSpec] = {spec.name: spec for spec in _SPECS}
DEFAULT_METRICS = ("rougeL", "chrf", "exact_match", "perplexity")
"""Where nothing else is asked for: quick ones that see different things. With more metrics each is harder to show."""

Row = Callable[..., texts.Found]
_ROUGE = ("rouge1", "rouge2", "rougeL")
ROWS: dict[str, tuple[Row, tuple[str, ...]]] = {
    **{kind: (partial(texts.sacrebleu_sums, kind), ("predictions", "references")) for kind in ("bleu", "chrf", "ter")},
    **{kind: (partial(texts.rouge, kind), ("predictions", "references")) for kind in _ROUGE},
    "exact_match": (texts.exact_match, ("predictions", "references")),
    "token_f1": (texts.token_f1, ("predictions", "references")),
    "length_ratio": (texts.length_ratio, ("predictions", "references")),
    "perplexity": (texts.perplexity, ("losses", "tokens")),
    "bits_per_byte": (texts.bits_per_byte, ("losses", "tokens", "references")),
    "distinct1": (partial(texts.distinct, 1), ("predictions",)),
    "distinct2": (partial(texts.distinct, 2), ("predictions",)),
    "stop_rate": (texts.stop_rate, ("ended",)),
}
"""What scores one row, and the columns that it takes."""
