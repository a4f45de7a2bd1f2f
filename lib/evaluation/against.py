"""Two comparisons with each other, on the questions that both asked.

against(3, 7).pairs       # [{"a": "gentle-otter", "b": "merry-fox", "metric": "chrf", "difference": …}, …]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib.errors import WrongState
from lib.evaluation import comparisons
from lib.evaluation.comparing import files
from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.metrics import take
from lib.evaluation.statistics import Pair, adjust, compare


@dataclass(frozen=True, slots=True)
class Against:
    """One comparison against another, on the questions that both asked.

    `settings`: what differs, key -> (of a, of b). `pairs`: for two sides and a metric the difference, b less a, with
    `base` the side of a and `tuned` that of b. `both`, `only_a`, `only_b`: questions.
    """

    a: int
    b: int
    both: int
    only_a: int
    only_b: int
    settings: dict[str, tuple[Any, Any]]
    pairs: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "questions": {"both": self.both, "only_a": self.only_a, "only_b": self.only_b},
            "settings": {key: list(values) for key, values in self.settings.items()},
            "pairs": self.pairs,
        }


def against(a: int, b: int, pairs: Mapping[str, str] | None = None) -> Against:
    """Two comparisons with each other, on the same questions; those that leaked in either are left out.

    Args:
        pairs: side of a -> side of b; by default sides of one name, then the others in their order.

    Raises:
        NotFound: no such comparison or side.
        WrongState: one of them has no result yet.
    """
    views = [comparisons.get(number) for number in (a, b)]
    for view in views:
        if not view.result or not files.has_outputs(view.id):
            raise WrongState(f"Comparison {view.id} is {view.status} and has no result.", "Wait for it, or resume it.")
    left, right = (_keys(view, by_id=_same_rows(*views)) for view in views)
    both = [key for key in left if key in right]
    wanted = pairs or _sides(views[0].sides, views[1].sides)
    clean = [key for key in both if not (left[key][1] or right[key][1])] or both
    places = [left[key][0] for key in clean], [right[key][0] for key in clean]
    return Against(
        a,
        b,
        len(both),
        len(left) - len(both),
        len(right) - len(both),
        _settings(*views),
        _differences(views, wanted, places) if both else [],
    )


def _differences(
    views: Sequence[ComparisonView], wanted: Mapping[str, str], places: tuple[list[int], list[int]]
) -> list[dict[str, Any]]:
    """The same metrics, of one signature, for each pair of sides; p corrected over all of them."""
    one, other = views
    found = []
    for before, after in wanted.items():
        for name, spec in one.metrics.items():
            if name in other.metrics and other.metrics[name].signature == spec.signature:
                _, left = comparisons.scores(one, name, before, clean=False)
                _, right = comparisons.scores(other, name, after, clean=False)
                difference = compare(spec, take(spec, left, places[0]), take(spec, right, places[1]))
                found.append(Pair(before, after, spec, difference))
    return [{"a": pair.base, "b": pair.tuned, **pair.to_dict()} for pair in adjust(found)]


def _same_rows(one: ComparisonView, other: ComparisonView) -> bool:
    """Whether equal row ids mean the same question."""
    return (one.data_ref, one.prompt_set) == (other.data_ref, other.prompt_set)


def _keys(view: ComparisonView, by_id: bool) -> dict[Any, tuple[int, bool]]:
    """What tells a question from the others -> its place among the outputs, and whether it leaked."""
    found = files.columns(view.id, ["row_id", "prompt", "reference", "leaked"])
    leaked = found.get("leaked", [False] * len(found["row_id"]))
    seen: Counter[Any] = Counter()
    keys: dict[Any, tuple[int, bool]] = {}
    for place, row_id in enumerate(found["row_id"]):
        key: Any = row_id if by_id else (found["prompt"][place], found["reference"][place])
        seen[key] += 1
        keys[key, seen[key]] = place, bool(leaked[place])
    return keys


def _sides(one: Sequence[str], other: Sequence[str]) -> dict[str, str]:
    same = {name: name for name in one if name in other}
    rest = zip([name for name in one if name not in same], [name for name in other if name not in same], strict=False)
    return same | dict(rest)


def _settings(one: ComparisonView, other: ComparisonView) -> dict[str, tuple[Any, Any]]:
    left, right = (_described(view) for view in (one, other))
    return {key: (left.get(key), right.get(key)) for key in {**left, **right} if left.get(key) != right.get(key)}


def _described(view: ComparisonView) -> dict[str, Any]:
    own = {key: value for key, value in view.config.items() if key != "sides"}
    by_side = {
        f"{name}: {part}": value
        for name, parts in view.result.get("sides", {}).items()
        for part, value in parts.items()
        if part not in ("run", "model")
    }
    specs = {f"metric {name}": spec.signature for name, spec in view.metrics.items()}
    return {"asked": view.asked, "rows": view.result.get("rows"), **own, **by_side, **specs}
