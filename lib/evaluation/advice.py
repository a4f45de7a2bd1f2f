"""What a verdict means, and what to do next, without statistics.

advice(view, "gentle-otter")  # ["Yes, as far as likeness …", "12 of its 35 answers ran into the length limit …"]
"""

from __future__ import annotations

from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.statistics.words import listed
from lib.words import counted

BETTER, WORSE = "tuned better", "tuned worse"
BOTH = "both"  # by some metrics better, by others worse
MANY_CUT = 0.2  # share of a side's answers
CAUTION = "Being like a reference is not yet being right: read some answers."

# What it makes of the references (loss) and of its own answers -> is it better, in words.
_MEANINGS = {
    (BETTER, BETTER): (
        "Yes, as far as likeness to the reference answers tells: they surprise it less, and what it writes itself is "
        "closer to them."
    ),
    (BETTER, WORSE): (
        "Yes and no: the reference answers surprise it less, but what it writes itself is further from them."
    ),
    (BETTER, ""): (
        "In part: the reference answers surprise it less, but what it writes itself is not measurably closer to them."
    ),
    (BETTER, BOTH): (
        "In part: the reference answers surprise it less, but what it writes itself is closer to them by some metrics "
        "and further by others."
    ),
    (WORSE, BOTH): (
        "No: the reference answers surprise it more, and what it writes is closer to them by some metrics and further "
        "by others."
    ),
    (WORSE, BETTER): "Yes and no: what it writes is closer to the reference answers, but they surprise it more.",
    (WORSE, WORSE): "No: the reference answers surprise it more, and what it writes is further from them.",
    (WORSE, ""): "No: the reference answers surprise it more.",
    ("", BETTER): "Yes, as far as likeness tells: what it writes is closer to the reference answers.",
    ("", WORSE): "No: what it writes is further from the reference answers.",
}
SHORT: dict[str, tuple[tuple[str, str], ...]] = {
    "better": ((BETTER, BETTER), ("", BETTER)),
    "in part": ((BETTER, ""), (BETTER, BOTH)),
    "yes and no": ((BETTER, WORSE), (WORSE, BETTER), ("", BOTH)),
    "worse": ((WORSE, WORSE), (WORSE, ""), (WORSE, BOTH), ("", WORSE)),
}
"""What `meaning` says in a word or three, for where there is no room for a sentence."""
# What to do next, where it is a run that was measured against an untrained model.
_NEXT = {
    (BETTER, WORSE): (
        "It has learned what such answers look like; after a short run that is common. Read the examples below, then "
        "train longer or on more rows."
    ),
    (BETTER, ""): "Train longer or on more rows, or ask more questions.",
    (BETTER, BOTH): "Read the examples below, then train longer or on more rows.",
    (WORSE, BOTH): "Read the examples below.",
    (WORSE, BETTER): "Read the examples below.",
    (WORSE, WORSE): (
        "It has unlearned more than it learned: a lower learning rate, fewer passes or another template may help."
    ),
    (WORSE, ""): "A lower learning rate, fewer passes or another template may help.",
    ("", WORSE): "Read the examples below.",
}


def advice(view: ComparisonView, side: str) -> list[str]:
    """Sentences about one side of a finished comparison; none where nothing was found out."""
    told = []
    ways, written = _found(view, side), _ways(view, side, "text")
    trained = _is_run(view, side)
    if meant := meaning(view, side):
        told.append(meant)
    if len(written) == 1 and (apart := _apart(view, side)):
        told.append(apart)
    if ways in _NEXT and trained and not _is_run(view, view.sides[0]):
        told.append(_NEXT[ways])
    if many := _many_cut(view, side, trained):
        told.append(many)
    return told


def _many_cut(view: ComparisonView, side: str, trained: bool) -> str:
    """That a good part of a side's answers did not end, beside how many of the first side's did not."""
    rows, cut = view.result.get("rows", 0), view.result.get("cut", {})
    ours, theirs = cut.get(side, 0), cut.get(view.sides[0], 0)
    if not rows or ours / rows < MANY_CUT:
        return ""
    why = "the limit is short for it"
    if trained:
        why = "it has not learned where to stop, or the limit is short"
    if trained and theirs - ours >= MANY_CUT * rows:
        why = "it has begun to learn where to stop, and the limit may be short"
    if _is_run(view, view.sides[0]):
        why = "longer answers would tell more"
    told = (
        f"{ours:,} of the {counted(rows, 'answer')} of {side} ran into the length limit, {theirs:,} of those of "
        f"{view.sides[0]}: {why}."
    )
    circling = view.result.get("circling", {})
    if not circling.get(side):
        return told
    return (
        f"{told} {circling[side]:,} of {side}'s and {circling.get(view.sides[0], 0):,} of {view.sides[0]}'s went round "
        "in circles, which no longer limit would have ended."
    )


def in_short(view: ComparisonView, side: str) -> str:
    """The same as a key of `SHORT`; empty where nothing was found out, and only counts can be told."""
    return {ways: short for short, all_of in SHORT.items() for ways in all_of}.get(_found(view, side), "")


def meaning(view: ComparisonView, side: str) -> str:
    """Whether a side is better, with the caution that a better one needs; empty where nothing was found out.

    `advice` begins with it.
    """
    found = _found(view, side)
    told = _MEANINGS.get(found, "")
    return f"{told} {CAUTION}" if told and {BETTER, BOTH} & set(found) else told


def _found(view: ComparisonView, side: str) -> tuple[str, str]:
    """The verdicts on the references and on its own answers; empty where there is none."""
    likely, written = _ways(view, side, "loss"), _ways(view, side, "text")
    return next(iter(likely), ""), BOTH if len(written) > 1 else next(iter(written), "")


def _is_run(view: ComparisonView, side: str) -> bool:
    return any(one.run for one in view.who if one.name == side)


def _apart(view: ComparisonView, side: str) -> str:
    """Which metrics of likeness say so, where others see no difference in the same answers."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for pair in view.result.get("pairs", []):
        spec = view.metrics[pair["metric"]]
        differs = pair.get("wins", 0) + pair.get("losses", 0)
        if pair["tuned"] == side and spec.needs == "text" and differs and not pair.get("untested"):
            found[pair["verdict"] in (BETTER, WORSE)].append(spec.label)
    if not found[False]:
        return ""
    return (
        f"What is said of its own answers is by {listed(found[True])}; by {listed(found[False])} there is no evidence."
    )


def _ways(view: ComparisonView, side: str, needs: str) -> set[str]:
    """Which verdicts with evidence there are among the metrics of the loss, or of likeness to the reference."""
    return {
        pair["verdict"]
        for pair in view.result.get("pairs", [])
        if pair["tuned"] == side and pair["verdict"] in (BETTER, WORSE) and view.metrics[pair["metric"]].needs == needs
    }
