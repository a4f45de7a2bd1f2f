"""What the functions of a vote return. Nothing here names a model but `Results`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from lib.evaluation.statistics import Agreement, WinRate
from lib.evaluation.statistics.records import FEWEST_ROWS
from lib.evaluation.statistics.words import p_text
from lib.words import counted, moment

Choice = Literal["left", "right", "tie", "both_bad", "skip"]
CHOICES: dict[str, str] = {
    "left": "A is better",
    "right": "B is better",
    "tie": "tie",
    "both_bad": "both bad",
    "skip": "skipped",
}
"""What a person can say of a pair, and its words: A stands on the left."""


@dataclass(frozen=True, slots=True)
class BallotView:
    """One vote. `rows` are the questions in their order; times are seconds since 1970."""

    id: str
    comparison: int
    question: str
    rows: tuple[int, ...]
    created_at: float
    created_by: str
    closed_at: float | None

    @property
    def open(self) -> bool:
        return self.closed_at is None

    @property
    def total(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        return {
            "ballot": self.id,
            "comparison": self.comparison,
            "question": self.question,
            "pairs": self.total,
            "open": self.open,
            "created_at": moment(self.created_at),
            "created_by": self.created_by,
            "closed_at": moment(self.closed_at),
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """What one person sees: `index` counts from 0; `choice` and `comment` are what they said so far, if anything."""

    index: int
    row_id: int
    prompt: str
    left: str
    right: str
    choice: str
    comment: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one person is: what they said of each pair, in the ballot's order; empty where nothing yet."""

    choices: tuple[str, ...]

    @property
    def done(self) -> int:
        return sum(bool(choice) for choice in self.choices)

    @property
    def skipped(self) -> int:
        return sum(choice == "skip" for choice in self.choices)

    def next(self, after: int = -1) -> int | None:
        """The place of the next pair without a word, round from `after`; None when there is none."""
        places = [*range(after + 1, len(self.choices)), *range(min(after + 1, len(self.choices)))]
        return next((place for place in places if not self.choices[place]), None)


@dataclass(frozen=True, slots=True)
class RaterProgress:
    """How many pairs a person has voted on (`skipped` ones counted apart), never what they chose."""

    name: str
    votes: int
    skipped: int
    last_at: float

    def of(self, total: int) -> str:
        """`8 of 9, 1 skipped`."""
        skipped = f", {self.skipped:,} skipped" if self.skipped else ""
        return f"{self.votes - self.skipped:,} of {total:,}{skipped}"


@dataclass(frozen=True, slots=True)
class Position:
    """Whether the place of an answer decides: votes for the left and the right one, whatever model wrote it."""

    left: int
    right: int
    rate: float | None
    low: float | None
    """Of the exact 95 % interval of `rate`, the share of deciding votes that went to the left: it leaves out one half
    where `p` is below 0.05, so that interval and sentence never disagree."""
    high: float | None
    p: float

    @property
    def sentence(self) -> str:
        if self.rate is None or self.low is None or self.high is None:
            return "No vote decides, so nothing can be said of left and right."
        votes = counted(self.left + self.right, "deciding vote")
        found = f"The left answer got {self.rate:.0%} [{self.low:.0%}, {self.high:.0%}] of {votes}"
        if self.p >= 0.05:
            return f"{found}: no evidence that the place decides."
        return f"{found}: people lean to one side. Sides are shuffled, so neither model gains by it, but votes blur."


@dataclass(frozen=True, slots=True)
class PromptVotes:
    """The votes on one question. `majority` is what was said most often: base, tuned, tie or both_bad; split where no
    one thing was; None where all skipped or nobody voted."""

    row_id: int
    prompt: str
    base: int
    tuned: int
    tie: int
    both_bad: int
    skip: int
    majority: str | None
    comments: tuple[tuple[str, str, str], ...]
    """(person, what they wrote, whose answer stood on their left as A: base or tuned)."""


@dataclass(frozen=True, slots=True)
class Results:
    """A closed vote. `win` counts one value a prompt (what was said of it most often), `counts` every vote.

    `base` and `tuned` are the two sides' names: of two runs both are tuned, and the first stands as `base`."""

    ballot: BallotView
    base: str
    tuned: str
    win: WinRate
    counts: dict[str, int]
    share: float | None
    """Mean over prompts of the share of deciding votes for tuned; its interval resamples prompts. None:
    nothing decides; for the ends also: all prompts are alike."""
    share_low: float | None
    share_high: float | None
    agreement: Agreement
    position: Position
    raters: list[RaterProgress]
    prompts: list[PromptVotes]
    same: int
    """Questions of the comparison that were not voted on because both answers are the same text."""
    bases: tuple[str, ...]
    """Which of the two is the base that a run of the comparison was trained on."""
    asked: str
    """What the questions are of: `sums@1 test`, `prompt set smoke`."""
    limit: int
    """Tokens that an answer could have at most."""
    cut: tuple[int, int] | None
    """Answers of base and of tuned that were cut there, of those shown; None where that was not kept."""

    def named(self, side: str | None) -> str:
        """`base` and `tuned` by the sides' own names; other words stay."""
        return {"base": self.base, "tuned": self.tuned}.get(side or "", side or "")

    def title(self, side: str) -> str:
        """The side's own name; that it is a base is said where it is one."""
        name = self.named(side)
        return f"base · {name}" if name in self.bases else name

    @property
    def sentence(self) -> str:
        """The verdict in words: by what was said of each question most often, then by every vote."""
        win = self.win
        decided = win.wins + win.losses
        if not win.votes:
            return "No evidence: nobody voted."
        if win.rate is None or win.low is None or win.high is None:
            return f"No evidence: of {counted(win.votes, 'question')} none was decided ({win.apart})."
        if decided < FEWEST_ROWS:
            return f"No evidence: {counted(decided, 'decided question')}, too few to tell ({win.apart})."
        best, other = ("tuned", "base") if win.wins >= win.losses else ("base", "tuned")
        led, rate, low, high = max(win.wins, win.losses), win.rate, win.low, win.high
        if best == "base":
            rate, low, high = 1 - rate, 1 - high, 1 - low
        name, questions = self.named(best), counted(decided, "decided question")
        verdict = "No evidence that people prefer one" if win.verdict == "no evidence" else f"{name} is liked better"
        found = f"{name} was chosen most often on {led:,} of {questions}"
        if win.wins == win.losses:
            found = f"each was chosen most often on {led:,} of {questions}"
        cast = self.counts["tuned"] + self.counts["base"]
        return (
            f"{verdict}: {found}, {rate:.0%} [{low:.0%}, {high:.0%}] ({p_text(win.p)}; {win.apart}). "
            f"Of all {counted(cast, 'vote')} for one of the two, {self.counts[best]:,} went to {name}, "
            f"{self.counts[other]:,} to {self.named(other)}."
        )

    @property
    def basis(self) -> list[str]:
        """What the verdict rests on, in short sentences: who voted on what, and what was cut off."""
        return [
            f"Voted: {'; '.join(f'{rater.name} {rater.of(self.ballot.total)}' for rater in self.raters) or 'nobody'}.",
            f"Questions: {self.ballot.total:,} of {self.asked}{self._left_out}.",
            *([self._cut] if self.cut else []),
        ]

    @property
    def _left_out(self) -> str:
        return f"; {self.same:,} more left out, where both answers are the same text" if self.same else ""

    @property
    def _cut(self) -> str:
        of_base, of_tuned = self.cut or (0, 0)
        if not of_base + of_tuned:
            return f"None of the answers was cut at the limit of {self.limit:,} tokens."
        return (
            f"Cut at the limit of {self.limit:,} tokens: {of_base:,} of the {self.ballot.total:,} answers of "
            f"{self.base}, {of_tuned:,} of {self.tuned}."
        )

    def to_dict(self) -> dict[str, Any]:
        win = {name: value for name, value in self.win.to_dict().items() if name != "sentence"}
        return {
            **self.ballot.to_dict(),
            "sides": [self.base, self.tuned],
            "bases": list(self.bases),
            "asked": self.asked,
            "sentence": self.sentence,
            "win_rate": {"of": self.tuned, **win, "verdict": self.win.verdict.removeprefix("tuned ")},
            "votes": {self.named(choice): number for choice, number in self.counts.items()},
            "share": {"mean": self.share, "low": self.share_low, "high": self.share_high},
            "agreement": self.agreement.to_dict(),
            "position": {**asdict(self.position), "sentence": self.position.sentence},
            "raters": [{**asdict(rater), "last_at": moment(rater.last_at)} for rater in self.raters],
            "prompts": [self._prompt(line) for line in self.prompts],
            "same": self.same,
            "limit": self.limit,
            "cut": dict(zip((self.base, self.tuned), self.cut, strict=True)) if self.cut else None,
        }

    def _prompt(self, line: PromptVotes) -> dict[str, Any]:
        return {
            "row_id": line.row_id,
            "prompt": line.prompt,
            "votes": {self.named(choice): getattr(line, choice) for choice in self.counts},
            "majority": self.named(line.majority) or None,
            "comments": [
                {"rater": rater, "comment": text, "left": self.named(left)} for rater, text, left in line.comments
            ],
        }
