"""What comparisons found out about a run, as they stored it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from lib.database import Comparison, session
from lib.errors import StorageError
from lib.storage import comparison_dir, read_json

NEWEST = 3


@dataclass(frozen=True)
class Pair:
    """Base against tuned by one metric: both means, and the 95 % interval of their difference."""

    metric: str
    base: float | None
    tuned: float | None
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Compared:
    """One comparison with the base on `rows` rows of a split."""

    data: str
    split: str
    rows: int
    decoding: str
    pairs: list[Pair]


def comparisons_of(run_id: str, limit: int = NEWEST) -> list[Compared]:
    """The newest comparisons of a run that have a result, newest first."""
    with session() as opened:
        rows = [row for row in opened.scalars(select(Comparison).order_by(Comparison.id.desc())) if run_id in row.runs]
    found = []
    for row in rows:
        try:
            result = read_json(comparison_dir(row.id) / "result.json")
        except StorageError:
            continue
        asked = (f"{row.dataset}@{row.version}", row.split) if row.dataset else (row.prompt_set, "prompts")
        found.append(_compared(run_id, *asked, result))
    return [one for one in found if one.pairs][:limit]


def _compared(run_id: str, data: str, split: str, result: dict[str, Any]) -> Compared:
    summaries = result.get("models", {})
    pairs = [
        Pair(
            metric=str(pair["metric"]),
            base=_mean(summaries, pair["base"], pair["metric"]),
            tuned=_mean(summaries, pair["tuned"], pair["metric"]),
            low=pair.get("low"),
            high=pair.get("high"),
            verdict=str(pair.get("verdict", "")),
        )
        for pair in result.get("pairs", [])
        if pair.get("tuned") == run_id
    ]
    return Compared(data, split, int(result.get("rows", 0)), str(result.get("decoding", "")), pairs)


def _mean(summaries: dict[str, Any], model: str, metric: str) -> float | None:
    value = summaries.get(model, {}).get(metric, {}).get("mean")
    return float(value) if value is not None else None
