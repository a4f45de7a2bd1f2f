"""Metrics: what each is called, its range, which direction is better, and a value for every example.

    score("chrf", predictions, references)             -> Scores, one value an example
    score("perplexity", [], [], losses=…, tokens=…)    -> Scores of the reference under the model
    aggregate("chrf", scores.values, scores.weights)   -> the corpus figure
    ChrF().compute(predictions=…, references=…)        -> the same through the interface of `evaluate`

`RougeL`, `ChrF`, `ExactMatch` and `Perplexity` are subclasses of `evaluate.Metric`, made when first asked for:
importing `evaluate` also imports transformers and torch, which has no place in a process that only shows results.
Everything else here is light. No metric uses the network or leaves a file behind.

An empty prediction or reference scores 0 in ROUGE-L and chrF, even when both are empty (as the libraries have it);
in exact match two empty texts are equal. A reference of 0 tokens has perplexity 1 and weight 0: it counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sacrebleu.metrics.chrf import CHRF

from lib.errors import BadInput, NotFound


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a person and a program need to know to read a metric's figures."""

    name: str
    """Key in `METRICS`, and of the corpus figure in what `compute` returns."""
    label: str
    """Name on screen."""
    range: tuple[float, float | None]
    """Lowest and highest possible corpus figure; None: no upper bound."""
    higher_is_better: bool
    help: str
    """One line: what it measures, unit and direction."""
    signature: str
    """Library, version and options: what it takes to compute the same figure elsewhere."""
    needs: Literal["text", "loss"]
    """`text`: predictions and references; `loss`: losses and tokens of the references."""
    digits: int
    """Decimals worth showing."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "range": list(self.range)}


@dataclass(frozen=True, slots=True)
class Scores:
    """One value an example, in the order given."""

    values: list[float]
    """In the metric's range; for perplexity nats per reference token, which `shown` turns into a perplexity."""
    weights: list[float]
    """1.0 each; for perplexity the tokens of each reference."""
    mean: float
    """The corpus figure, `aggregate` of the two; nan when the weights are all 0."""

    def to_dict(self) -> dict[str, Any]:
        return {"values": self.values, "weights": self.weights, "mean": finite(self.mean)}


def finite(value: float | None) -> float | None:
    """`value` as a plain float, None in place of nan and infinity, which JSON does not have."""
    return float(value) if value is not None and math.isfinite(value) else None


def _chrf_signature() -> str:
    """sacrebleu's own signature, which exists only after something was scored."""
    metric = CHRF()
    metric.sentence_score("a", ["a"])
    return f"sacrebleu chrF2|{metric.get_signature()}|mean of sentence scores"


_SPECS = (
    MetricSpec(
        name="rougeL",
        label="ROUGE-L",
        range=(0.0, 1.0),
        higher_is_better=True,
        help="Longest sequence of words that both have in this order, as F1 from 0 to 1; higher is better. "
        "It sees only a-z and 0-9: use chrF for other scripts.",
        signature=f"rouge_score|rougeL F1|stemmer:no|version:{version('rouge_score')}|mean of example scores",
        needs="text",
        digits=3,
    ),
    MetricSpec(
        name="chrf",
        label="chrF",
        range=(0.0, 100.0),
        higher_is_better=True,
        help="Overlap of pieces of 1 to 6 characters, mean of the rows, from 0 to 100; higher is better.",
        signature=_chrf_signature(),
        needs="text",
        digits=1,
    ),
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
    ),
    MetricSpec(
        name="perplexity",
        label="Perplexity of the reference",
        range=(1.0, None),
        higher_is_better=False,
        help="How unexpected the reference is to the model, per token: 1 is certain, no upper bound; lower is better.",
        signature="tandem perplexity|exp(nats / reference tokens)|version:1",
        needs="loss",
        digits=2,
    ),
)

METRICS: dict[str, MetricSpec] = {spec.name: spec for spec in _SPECS}


def get_spec(name: str) -> MetricSpec:
    """The metric of that name.

    Raises:
        NotFound: there is none; the hint lists those there are.
    """
    if name not in METRICS:
        raise NotFound(f"There is no metric {name!r}.", f"Use one of: {', '.join(METRICS)}.")
    return METRICS[name]


# --- one value an example -------------------------------------------------------------------------------------------


def rouge_l(predictions: Sequence[str], references: Sequence[str]) -> list[float]:
    """F1 of the longest common subsequence of words, 0 to 1 (Lin 2004; rouge_score's default tokenizer, no stemmer)."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"])
    return [float(scorer.score(r, p)["rougeL"].fmeasure) for p, r in zip(predictions, references, strict=True)]


def chr_f(predictions: Sequence[str], references: Sequence[str]) -> list[float]:
    """chrF2 of each sentence, 0 to 100 (Popović 2015, sacrebleu's defaults).

    The corpus figure is the mean of these, so that rows can be resampled; sacrebleu's `corpus_score` pools the n-gram
    counts of all rows instead and gives another number.
    """
    metric = CHRF()
    return [float(metric.sentence_score(p, [r]).score) for p, r in zip(predictions, references, strict=True)]


def exact(predictions: Sequence[str], references: Sequence[str]) -> list[float]:
    """1.0 where the two are equal once case is folded and every run of white space is one blank, else 0.0."""

    def plain(text: str) -> str:
        return " ".join(text.casefold().split())

    return [float(plain(p) == plain(r)) for p, r in zip(predictions, references, strict=True)]


def nats_per_token(losses: Sequence[float], tokens: Sequence[int]) -> list[float]:
    """Negative log likelihood of each reference divided by its tokens, in nats; 0.0 for a reference of 0 tokens."""
    return [loss / count if count else 0.0 for loss, count in zip(losses, tokens, strict=True)]


# --- the figure of a corpus -----------------------------------------------------------------------------------------


def aggregate_rows(name: str, values: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """`aggregate` over the last axis, for many resamples at once; nan where the weights add up to 0."""
    value, weight = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    if get_spec(name).needs != "loss":
        return np.asarray(value.mean(axis=-1))
    total = weight.sum(axis=-1)
    nats = (value * weight).sum(axis=-1)
    return np.exp(np.divide(nats, total, out=np.full_like(nats, np.nan), where=total > 0))


def aggregate(name: str, values: Sequence[float], weights: Sequence[float]) -> float:
    """The corpus figure: plain mean; for perplexity exp(nats of all references / tokens of all references).

    nan when there is nothing to count.
    """
    return float(aggregate_rows(name, values, weights)) if len(values) else math.nan


def shown(name: str, value: float) -> float:
    """An example's value as a person reads it: its perplexity in place of nats per token, others as they are."""
    return float(np.exp(value)) if get_spec(name).needs == "loss" else float(value)


# --- the same as subclasses of evaluate.Metric ----------------------------------------------------------------------

_CLASSES = {"RougeL": "rougeL", "ChrF": "chrf", "ExactMatch": "exact_match", "Perplexity": "perplexity"}


def _result(name: str, values: list[float], weights: list[float]) -> dict[str, Any]:
    """What every `compute` returns: the corpus figure under the metric's name, values and weights an example."""
    return {name: aggregate(name, values, weights), "per_example": values, "weights": weights}


@cache
def _classes() -> dict[str, type[Any]]:
    """The subclasses of `evaluate.Metric`, by metric."""
    import evaluate
    from datasets import Features, Value

    columns = {
        "text": Features({"predictions": Value("string"), "references": Value("string")}),
        "loss": Features({"losses": Value("float64"), "tokens": Value("int64")}),
    }

    class LocalMetric(evaluate.Metric):
        """Keeps its inputs in memory. Subclasses name their `spec`."""

        spec: MetricSpec

        def __init__(self) -> None:
            # The base class makes a folder under the home directory unless it is told another, even when it then
            # keeps everything in memory and never writes there.
            with TemporaryDirectory() as folder:
                super().__init__(keep_in_memory=True, cache_dir=folder)

        def _info(self) -> evaluate.MetricInfo:
            return evaluate.MetricInfo(
                description=f"{self.spec.help} {self.spec.signature}", citation="", features=columns[self.spec.needs]
            )

    class RougeL(LocalMetric):
        spec = METRICS["rougeL"]

        def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
            return _result("rougeL", rouge_l(predictions, references), [1.0] * len(references))

    class ChrF(LocalMetric):
        spec = METRICS["chrf"]

        def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
            return _result("chrf", chr_f(predictions, references), [1.0] * len(references))

    class ExactMatch(LocalMetric):
        spec = METRICS["exact_match"]

        def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
            return _result("exact_match", exact(predictions, references), [1.0] * len(references))

    class Perplexity(LocalMetric):
        spec = METRICS["perplexity"]

        def _compute(self, losses: list[float], tokens: list[int]) -> dict[str, Any]:
            return _result("perplexity", nats_per_token(losses, tokens), [float(count) for count in tokens])

    return {made.spec.name: made for made in (RougeL, ChrF, ExactMatch, Perplexity)}


def __getattr__(name: str) -> Any:
    """`RougeL`, `ChrF`, `ExactMatch`, `Perplexity`: imported by name like any class, made on first use."""
    if name in _CLASSES:
        return _classes()[_CLASSES[name]]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# --- scoring --------------------------------------------------------------------------------------------------------


def score(
    metric_name: str,
    predictions: Sequence[str],
    references: Sequence[str],
    losses: Sequence[float] | None = None,
    tokens: Sequence[int] | None = None,
) -> Scores:
    """Score every example with one metric.

    Args:
        metric_name: a key of `METRICS`.
        predictions: what the model wrote; not looked at by perplexity.
        references: what was expected, one a prediction; not looked at by perplexity.
        losses: for perplexity, the summed negative log likelihood of each reference in nats.
        tokens: for perplexity, the number of tokens in each of those sums.

    Raises:
        NotFound: no metric of that name.
        BadInput: nothing to score, columns of unequal length, text that is no string, losses that are no numbers.
    """
    spec = get_spec(metric_name)
    if spec.needs == "loss":
        columns = _loss_columns(spec, losses, tokens)
    else:
        columns = _text_columns(spec, predictions, references)
    found = _classes()[spec.name]().compute(**columns)
    return Scores(values=found["per_example"], weights=found["weights"], mean=float(found[spec.name]))


def _text_columns(spec: MetricSpec, predictions: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """The checked columns of a metric on text."""
    _check_lengths(spec, {"predictions": predictions, "references": references})
    if not all(isinstance(text, str) for column in (predictions, references) for text in column):
        raise BadInput(
            f"{spec.label} was given something that is not text.", "Give predictions and references as strings."
        )
    return {"predictions": list(predictions), "references": list(references)}


def _loss_columns(spec: MetricSpec, losses: Sequence[float] | None, tokens: Sequence[int] | None) -> dict[str, Any]:
    """The checked columns of a metric on losses."""
    if losses is None or tokens is None:
        raise BadInput(f"{spec.label} needs the loss and the tokens of every reference.", "Give `losses` and `tokens`.")
    _check_lengths(spec, {"losses": losses, "tokens": tokens})
    bad = sum(not math.isfinite(loss) or count < 0 for loss, count in zip(losses, tokens, strict=True))
    if bad:
        raise BadInput(
            f"{spec.label} cannot be computed: {bad} of {len(losses)} references have no finite loss.",
            "The model gives nan or infinity on them: check its training, or load it in a wider number format.",
        )
    return {"losses": [float(loss) for loss in losses], "tokens": [int(count) for count in tokens]}


def _check_lengths(spec: MetricSpec, columns: dict[str, Sequence[Any]]) -> None:
    """Refuse columns that are empty or do not pair up."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise BadInput(f"{spec.label} was given columns that do not pair up: {listed}.", "Give one of each a row.")
    if not all(lengths.values()):
        raise BadInput(f"{spec.label} was given no rows to score.", "Choose a split or a limit that has rows.")
