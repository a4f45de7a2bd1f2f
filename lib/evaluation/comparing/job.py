"""The job `compare`: questions, leaks, answers, figures. Imports torch once there is something to ask.

Stopped, it keeps what was answered and scores the questions that every side has answered. Killed at any point, it goes
on where it was when it is resumed: the questions, the hashes of all that takes part and every answer are in its folder.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lib.errors import Stopped
from lib.evaluation import comparisons, leaks
from lib.evaluation.comparing import checks, repeats, scoring
from lib.evaluation.comparing.encoding import Reader, judged
from lib.evaluation.comparing.files import LINES, QUESTIONS, RESULT, START, Records, read_questions
from lib.evaluation.comparing.questions import Question, choose, written
from lib.evaluation.comparing.scoring import Answered
from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.leaks import Leaks
from lib.jobs.context import JobContext
from lib.storage import comparison_dir, disk_errors, read_json, write_json, write_text


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Compare as the comparison in the payload says; returns a short summary."""
    view = comparisons.get(payload["comparison"])
    folder = comparison_dir(view.id)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return _Comparing(view, folder, job).run()


class _Comparing:
    """One comparison at work."""

    def __init__(self, view: ComparisonView, folder: Path, job: JobContext) -> None:
        self.view, self.folder, self.job = view, folder, job
        self.config = view.settings
        self.readers = [Reader(side) for side in view.who]
        self.sides = [side.name for side in view.who]
        self.start: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        began = time.time()
        questions = self._questions()
        leaked = self._leaks(questions)
        with Records(self.folder / LINES) as records:
            self._ask(questions, records)
            answered = Answered.of(questions, self.sides, records)
            if not answered.questions:
                raise self._stopped()
            self.job.progress(len(answered.questions), len(questions), "scoring")
            self._write(answered, leaked, len(questions), time.time() - began)
        return {"comparison": self.view.id, "rows": len(answered.questions)}

    def _questions(self) -> list[Question]:
        """Those of the snapshot; made first where there is none."""
        self.job.progress(0, None, "reading the questions")
        now = checks.hashes(self.readers)
        if (self.folder / QUESTIONS).exists():
            self.start = read_json(self.folder / START)
            checks.check_same(self.start["sides"], now)
            return [Question.from_dict(stored) for stored in read_questions(self.view.id)]
        chosen = choose(self.view, lambda one: judged(self.readers, one, self.config.max_new_tokens))
        self.start = {"sides": now, "left_out": chosen.left_out, "unmatched": chosen.unmatched, "at": time.time()}
        write_json(self.folder / START, self.start)
        write_text(self.folder / QUESTIONS, written(chosen.questions))
        return chosen.questions

    def _leaks(self, questions: list[Question]) -> Leaks:
        def progress(done: int, total: int | None) -> None:
            if self.job.stopping:
                raise self._stopped()
            self.job.progress(done, total, "looking for questions that were trained on", unit="questions")

        return leaks.find(self.view.who, questions, self.folder, progress)

    def _stopped(self) -> Stopped:
        again = f"python -m studio compare --resume {self.view.id}"
        return Stopped("The comparison was stopped before its first answers.", f"Resume it: {again}")

    def _ask(self, questions: list[Question], records: Records) -> None:
        from lib.evaluation.comparing.answering import Asking

        Asking(questions, self.readers, self.config, records, self.job).run()

    def _write(self, answered: Answered, leaked: Leaks, asked: int, seconds: float) -> None:
        table, specs, errors = scoring.score_all(answered, list(dict.fromkeys(self.config.metrics)))
        clean = answered.clean(leaked.rows)
        rows, leaked_rows = len(answered.questions), sum(row in leaked.rows for row in answered.row_ids)
        figures = scoring.figures(table, specs, clean)
        some = leaked_rows and len(clean) < rows
        unanswered = sum(not question.reference.strip() for question in answered.questions)
        empty = {side: sum(not one["text"] for one in answered.answers(side)) for side in self.sides}
        scoring.write_outputs(self.folder, answered, table, leaked.rows)
        result = {
            **figures,
            "with_leaks": scoring.figures(table, specs) if some else None,
            "leaks": leaked.counts(),
            "leaked": leaked_rows,
            "warnings": [
                *checks.of_silence(empty, rows, self.sides[0]),
                *checks.of_sides(self.start["sides"]),
                *checks.of_leaks(leaked, rows, leaked_rows),
                *checks.of_rows(rows, asked, unanswered, self.start["unmatched"]),
                *checks.of_metrics(errors),
            ],
            "proof": self._proof(answered.records),
            "sides": self.start["sides"],
            "metrics": {name: spec.to_dict() for name, spec in specs.items()},
            "signatures": {name: spec.signature for name, spec in specs.items()},
            "errors": errors,
            "noise": {
                "seeds": repeats.of_seeds(answered, specs, self.config.repeats, clean),
                "runs": repeats.of_runs(self.view.who, figures["models"]),
            },
            "rows": rows,
            "asked": asked,
            "left_out": self.start["left_out"],
            "unmatched": self.start["unmatched"],
            "empty": empty,
            "cut": {side: sum(one["ended"] == "length" for one in answered.answers(side)) for side in self.sides},
            "circling": {side: scoring.circling(answered.answers(side)) for side in self.sides},
            "base_sha256": self.start["sides"][self.sides[0]]["base_sha256"],
            "decoding": self.config.decoding,
            "seed": self.config.seed,
            "stopped": rows < asked,
            "seconds": round(seconds, 1),
            "tokens": sum(one["tokens"] for one in answered.records.answers.values()),
            "finished_at": time.time(),
        }
        write_json(self.folder / RESULT, result)

    def _proof(self, records: Records) -> dict[str, dict[str, Any]]:
        hashed = {parts["run"]: parts["adapter_sha256"] for parts in self.start["sides"].values()}
        return {run: {"differs": differs, "adapter_sha256": hashed.get(run)} for run, differs in records.proofs.items()}
