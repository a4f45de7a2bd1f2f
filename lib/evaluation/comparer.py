"""The job `compare`: one split through the base and its runs, then metrics and statistics.

All models answer a row in the same batch from one loaded base, greedily, through the renderer that each run was
trained with. Every answered batch is appended to `outputs.jsonl`; the tables are written at the end, also when
stopped half way, `result.json` last.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lib import models
from lib.data import datasets
from lib.errors import BadInput, CannotCarry, ModelError, Stopped
from lib.evaluation import comparisons, statistics
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.metrics import METRICS, Scores, score
from lib.formats import ModelTokenizer, Template, load_tokenizer
from lib.formats.escaping import escapable, unescape_text
from lib.inference.generator import BASE, Generator, Sampling
from lib.jobs.context import JobContext
from lib.storage import comparison_dir, disk_errors, write_json
from lib.training import runs
from lib.training.runs import RunView


@dataclass(frozen=True)
class Pane:
    """One model in the comparison: its shown name, PEFT adapter name, template, and whether marks are escaped."""

    name: str
    adapter: str
    template: Template
    escape: bool


@dataclass(frozen=True)
class Question:
    """One held-out row, tokenized for each pane: prompt ids and (ids, labels) of the whole with its reference."""

    row_id: int
    prompt: str
    reference: str
    prompts: list[list[int]]
    scored: list[tuple[list[int], list[int]]]

    @property
    def length(self) -> int:
        return max(len(ids) for ids, _ in self.scored)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Compare as the comparison in the payload says; returns a short summary."""
    comparison = comparisons.get(payload["comparison"])
    folder = comparison_dir(comparison.id)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return _compare(comparison, folder, job)


def _compare(comparison: ComparisonView, folder: Path, job: JobContext) -> dict[str, Any]:
    views = [runs.get(run_id) for run_id in comparison.runs]
    base = models.find(views[0].model)
    tokenizer = load_tokenizer(base.path)
    names = [(views[0].model, BASE), *((view.id, view.id) for view in views)]
    panes = [
        Pane(*name, view.renderer, view.config.escape_tags)
        for name, view in zip(names, [views[0], *views], strict=True)
    ]
    job.progress(0, None, "reading the data")
    questions, left_out = _questions(comparison, views[0], panes, tokenizer)
    job.progress(0, len(questions), "loading the model")
    generator = Generator(base.path, views[0].config.quantization)
    questions = _with_room(questions, generator.context_length - comparison.config["max_new_tokens"], left_out)
    for view in views:
        generator.add_adapter(view.id, view.folder / "adapter")
        if not generator.differs_from_base(view.id, questions[0].prompts[0]):
            raise ModelError(f"The run {view.id} answers exactly as its base.", "Its adapter is empty; train it again.")
    rows = _answer(questions, panes, generator, tokenizer, comparison, folder, job)
    if not rows:
        raise Stopped("The comparison was stopped before its first answers.", "Start it again.")
    job.progress(len(rows), len(questions), "scoring")
    result = _score(rows, panes, comparison.config["metrics"])
    _write_outputs(rows, panes, comparison.config["metrics"], result.pop("values"), folder)
    result |= {
        "rows": len(rows),
        "asked": len(questions),
        "left_out": left_out,
        "empty": {pane.name: sum(not row[f"text|{pane.name}"] for row in rows) for pane in panes},
        "base_sha256": models.fingerprint(base.path),
        "decoding": f"greedy, {comparison.config['max_new_tokens']} new tokens at most",
        "finished_at": time.time(),
    }
    write_json(folder / "result.json", result)
    return {"comparison": comparison.id, "rows": len(rows)}


def _questions(
    comparison: ComparisonView, run: RunView, panes: list[Pane], tokenizer: ModelTokenizer
) -> tuple[list[Question], dict[str, int]]:
    """Rows of the split like those that the run was trained on (its limits on length hold here too)."""
    left_out: dict[str, int] = {}
    questions = []
    info = datasets.get(comparison.data_ref)
    for row_id, conversation in datasets.conversations(info, comparison.split, without=datasets.rejected(info)):
        try:
            question = _question(row_id, conversation, panes, tokenizer)
        except CannotCarry:
            left_out["cannot be carried by the template"] = left_out.get("cannot be carried by the template", 0) + 1
            continue
        answer = sum(label != -100 for label in question.scored[0][1])
        config = run.config
        if question.length > config.max_length:
            reason = "longer than the run's max_length"
        elif answer < config.min_answer_tokens or answer > (config.max_answer_tokens or answer):
            reason = "answer outside the run's token limits"
        else:
            questions.append(question)
            continue
        left_out[reason] = left_out.get(reason, 0) + 1
    if not questions:
        raise BadInput(
            f"No row of the {comparison.split} split can be asked: {left_out}.", "Use another split or dataset."
        )
    limit = comparison.config["limit"]
    if limit and limit < len(questions):
        questions = random.Random(0).sample(questions, limit)  # the same rows in every comparison of this split
    # Rows of like length together: less padding, and a stop leaves whole batches.
    return sorted(questions, key=lambda question: question.length), left_out


def _with_room(questions: list[Question], longest: int, left_out: dict[str, int]) -> list[Question]:
    """Those whose prompts have `longest` tokens at most, so that an answer fits behind them; counts the others."""
    fitting = [question for question in questions if max(map(len, question.prompts)) <= longest]
    if len(fitting) < len(questions):
        left_out["no room for an answer in the model's context"] = len(questions) - len(fitting)
    if not fitting:
        raise BadInput("No prompt leaves the model room for an answer.", "Ask for fewer new tokens or shorter rows.")
    return fitting


def _question(row_id: int, conversation: Any, panes: list[Pane], tokenizer: ModelTokenizer) -> Question:
    prompts, scored = [], []
    for pane in panes:
        write = partial(tokenizer.encode_conversation, conversation, pane.template, escape=pane.escape)
        prompt, ids = write(generation=True).ids, write().ids
        prompts.append(prompt)
        scored.append((ids, [-100] * len(prompt) + ids[len(prompt) :]))
    asked = conversation.prompt().messages[-1]
    text = f"{asked.content}\n\n{asked.context}" if asked.context else asked.content
    return Question(row_id, text, conversation.answer(), prompts, scored)


def _answer(
    questions: list[Question],
    panes: list[Pane],
    generator: Generator,
    tokenizer: ModelTokenizer,
    comparison: ComparisonView,
    folder: Path,
    job: JobContext,
) -> list[dict[str, Any]]:
    """Every pane's answer and loss for every question, a batch at a time, until done or told to stop."""
    stop_ids = list(dict.fromkeys(id for pane in panes for id in tokenizer.stop_ids(pane.template)))
    sampling = Sampling(max_new_tokens=comparison.config["max_new_tokens"])
    size = comparison.config["batch_rows"]
    rows: list[dict[str, Any]] = []
    job.start_clock()
    with (folder / "outputs.jsonl").open("w", encoding="utf-8") as file:
        for start in range(0, len(questions), size):
            batch = questions[start : start + size]
            job.progress(len(rows), len(questions), "asking")
            prompts = [question.prompts[index] for index in range(len(panes)) for question in batch]
            adapters = [pane.adapter for pane in panes for _ in batch]
            answers = generator.generate(prompts, adapters, stop_ids, sampling, lambda _: job.stopping)
            if job.stopping:
                break
            losses = [
                generator.losses([question.scored[index] for question in batch], pane.adapter, stop_ids[0])
                for index, pane in enumerate(panes)
            ]
            for position, question in enumerate(batch):
                row: dict[str, Any] = {
                    "row_id": question.row_id,
                    "prompt": question.prompt,
                    "reference": question.reference,
                }
                for index, pane in enumerate(panes):
                    answer = answers[index * len(batch) + position]
                    row[f"text|{pane.name}"] = _read(answer.ids, pane, tokenizer)
                    row[f"ended|{pane.name}"] = answer.ended
                    row[f"nats|{pane.name}"], row[f"tokens|{pane.name}"] = losses[index][position]
                rows.append(row)
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
    return rows


def _read(ids: list[int], pane: Pane, tokenizer: ModelTokenizer) -> str:
    text = tokenizer.decode(ids, continuation=True).strip()
    return unescape_text(text, escapable(pane.template, tokenizer)) if pane.escape else text


def _score(rows: list[dict[str, Any]], panes: list[Pane], names: list[str]) -> dict[str, Any]:
    """Summaries a model, differences a pair; `values` holds the scores a row for the table."""
    references = [row["reference"] for row in rows]
    scores: dict[tuple[str, str], Scores] = {}
    for pane in panes:
        texts = [row[f"text|{pane.name}"] for row in rows]
        nats = [row[f"nats|{pane.name}"] for row in rows]
        tokens = [row[f"tokens|{pane.name}"] for row in rows]
        for name in names:
            scores[name, pane.name] = score(name, texts, references, losses=nats, tokens=tokens)
    base = panes[0]
    summaries = {
        pane.name: {
            name: statistics.summary(name, scores[name, pane.name].values, scores[name, pane.name].weights).to_dict()
            for name in names
        }
        for pane in panes
    }
    pairs = []
    for pane in panes[1:]:
        for name in names:
            difference = statistics.compare(name, scores[name, base.name], scores[name, pane.name])
            sentence = statistics.sentence(name, difference)
            pairs.append(
                {"base": base.name, "tuned": pane.name, "metric": name, **difference.to_dict(), "sentence": sentence}
            )
    signatures = {name: METRICS[name].signature for name in names}
    values = {key: list(value.values) for key, value in scores.items()}
    return {"models": summaries, "pairs": pairs, "signatures": signatures, "values": values}


def _write_outputs(
    rows: list[dict[str, Any]], panes: list[Pane], names: list[str], values: dict[tuple[str, str], Any], folder: Path
) -> None:
    columns: dict[str, list[Any]] = {key: [row[key] for row in rows] for key in rows[0]}
    for name in names:
        for pane in panes:
            columns[f"{name}|{pane.name}"] = values[name, pane.name]
    scratch = folder / ".outputs.parquet"
    pq.write_table(pa.table(columns), scratch, compression="zstd")
    scratch.rename(folder / "outputs.parquet")
