"""What a verdict means, and what to do next, without statistics.

advice(view, "gentle-otter")  # ["Yes: it finds the references likelier …", "12 of its 35 answers …"]
"""

from __future__ import annotations

from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.statistics.words import listed
from lib.words import counted

BETTER, WORSE = "tuned better", "tuned worse"
MANY_CUT = 0.2  # share of a side's answers

# What it makes of the references (loss) and of its own answers -> is it better, in words.
_MEANINGS = {
    (BETTER, BETTER): "Yes: it finds the reference answers likelier, and what it writes itself is closer to them.",
    (BETTER, WORSE): (
        "Yes and no: it has learned what such answers look like, but what it writes itself is further from them. After "
        "a short run that is common: read the examples below, then train longer or on more rows."
    ),
    (BETTER, ""): (
        "In part: it finds the reference answers likelier, but what it writes itself is not measurably closer to them. "
        "Train longer or on more rows, or ask more questions."
    ),
    (
        WORSE,
        BETTER,
    ): "Yes and no: what it writes is closer to the reference answers, which it finds less likely. Read the examples.",
    (WORSE, WORSE): (
        "No: it has unlearned more than it learned. A lower learning rate, fewer passes or another template may help."
    ),
    (WORSE, ""): (
        "No: it finds the reference answers less likely than before. A lower learning rate, fewer passes or another "
        "template may help."
    ),
    ("", BETTER): "Yes: what it writes is closer to the reference answers.",
    ("", WORSE): "No: what it writes is further from the reference answers. Read the examples below.",
}


def advice(view: ComparisonView, side: str) -> list[str]:
    """Sentences about one side of a finished comparison; none where nothing was found out."""
    told = []
    likely, written = _ways(view, side, "loss"), _ways(view, side, "text")
    mixed = {BETTER, WORSE} <= written
    meaning = _MEANINGS.get((next(iter(likely), ""), "" if mixed else next(iter(written), "")))
    if meaning:
        told.append(meaning)
    if written and not mixed and (apart := _apart(view, side)):
        told.append(apart)
    if BETTER in written:
        told.append("Closer to a reference is not yet right: read some of the answers.")
    rows, cut = view.result.get("rows", 0), view.result.get("cut", {}).get(side, 0)
    if rows and cut / rows >= MANY_CUT:
        told.append(
            f"{counted(cut, 'answer')} of {rows:,} ran into the length limit: it has not learned where to stop, or the "
            "limit is short."
        )
    return told


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
    return f"That is by {listed(found[True])}; by {listed(found[False])} there is no evidence."


def _ways(view: ComparisonView, side: str, needs: str) -> set[str]:
    """Which verdicts with evidence there are among the metrics of the loss, or of likeness to the reference."""
    return {
        pair["verdict"]
        for pair in view.result.get("pairs", [])
        if pair["tuned"] == side and pair["verdict"] in (BETTER, WORSE) and view.metrics[pair["metric"]].needs == needs
    }
