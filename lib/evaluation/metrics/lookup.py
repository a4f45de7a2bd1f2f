"""Metrics by name: those of the studio, a team's rules and a team's folders."""

from __future__ import annotations

from lib.errors import NotFound
from lib.evaluation.metrics import folders, rules
from lib.evaluation.metrics.catalogue import METRICS
from lib.evaluation.metrics.spec import MetricSpec, Scores


def get_spec(name: str) -> MetricSpec:
    """The metric of that name, `rule:<name>` or `folder:<name>` among them.

    Raises:
        NotFound: there is none; the hint lists those there are.
    """
    if name in METRICS:
        return METRICS[name]
    kind, _, own = name.partition(":")
    if kind == "rule" and own:
        return rules.rule_spec(rules.get_rule(own))
    if kind == "folder" and own:
        return folders.folder_spec(folders.get_folder(own))
    raise NotFound(f"There is no metric {name!r}.", f"Use one of: {', '.join(list_metrics())}.")


def resolve(metric: str | MetricSpec) -> MetricSpec:
    """A metric by its name, or itself: figures of a rule that is gone are read by the spec stored with them."""
    return metric if isinstance(metric, MetricSpec) else get_spec(metric)


def list_metrics() -> dict[str, MetricSpec]:
    """All metrics by name: the studio's, then rules, then folders."""
    own = [rules.rule_spec(rule) for rule in rules.list_rules()]
    loaded = [folders.folder_spec(folder) for folder in folders.list_folders()]
    return METRICS | {spec.name: spec for spec in (*own, *loaded)}


def shown(metric: str | MetricSpec, value: float) -> float:
    """An example's value as a person reads it: its perplexity in place of nats per token, others as they are."""
    import math

    if resolve(metric).name != "perplexity":
        return float(value)
    return math.exp(value) if value < 700 else math.inf


def aggregate(metric: str | MetricSpec, scores: Scores) -> float:
    """The corpus figure; nan when nothing counts."""
    from lib.evaluation.metrics.figures import corpus_figure, counted, row_sums

    return corpus_figure(resolve(metric), row_sums(scores), counted(scores))
