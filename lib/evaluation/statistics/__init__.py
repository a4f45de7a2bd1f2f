"""How sure a figure is, and whether tuned differs from base: intervals, p-values and verdicts in words.

    evidence({side: {metric: scores}})            -> Evidence: all figures, differences and verdicts of a comparison
    summary("chrf", scores)                       -> Summary: the corpus figure and its 95 % interval
    compare("chrf", base, tuned)                  -> Difference: tuned - base on the same rows
    sentence("chrf", difference)                  -> that in words
    compare_slices("chrf", base, tuned, labels)   -> the same within groups of rows
    noise(figures), win_rate(…), agreement(…), ranking(…)

evidence     all metrics and sides together: corrected p-values, one verdict
comparing    one metric: figure, interval, difference
slices       one metric within groups of rows
resampling   bootstrap intervals and permutation tests of any figure of sums
proportions  counts of passes and failures
noise        how far a figure moves when only the seed changes
votes        win rate, and how far people agree
ranking      three models or more, from votes between two
records      what is found, and the limits that all share
words        verdicts in words

Rows are the unit that is resampled, base and tuned together. The verdict is "tuned better" or "tuned worse" only when
the 95 % interval of the difference excludes 0, p is below 0.05 once corrected for all that was tested, and there are
at least 5 rows; else "no evidence". Everything is the same again under the same seed. scipy and evalica
are imported when first needed: each takes a second.
"""

from __future__ import annotations

from lib.evaluation.statistics.comparing import compare, summary
from lib.evaluation.statistics.evidence import Evidence, Pair, adjust, evidence, holm, verdict
from lib.evaluation.statistics.noise import Noise, noise
from lib.evaluation.statistics.ranking import Rank, ranking
from lib.evaluation.statistics.records import (
    ALPHA,
    CONFIDENCE,
    FEWEST_ROWS,
    TIE,
    Difference,
    OverallVerdict,
    Summary,
    Verdict,
)
from lib.evaluation.statistics.slices import SliceDifference, compare_slices
from lib.evaluation.statistics.votes import Agreement, WinRate, agreement, majority, win_rate
from lib.evaluation.statistics.words import sentence

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "FEWEST_ROWS",
    "TIE",
    "Agreement",
    "Difference",
    "Evidence",
    "Noise",
    "OverallVerdict",
    "Pair",
    "Rank",
    "SliceDifference",
    "Summary",
    "Verdict",
    "WinRate",
    "adjust",
    "agreement",
    "compare",
    "compare_slices",
    "evidence",
    "holm",
    "majority",
    "noise",
    "ranking",
    "sentence",
    "summary",
    "verdict",
    "win_rate",
]
