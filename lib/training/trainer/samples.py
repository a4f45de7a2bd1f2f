"""Sample answers while a run goes on: before its first step, at each measurement, and at its end.

Greedy, through the renderer that the rows went through. What training is made of (random numbers, modes, weights)
is as it was afterwards: a run with samples has the losses of one without.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList, TrainerCallback

from lib.data import datasets
from lib.formats import ModelTokenizer, Template
from lib.formats.escaping import escapable, unescape_text
from lib.jobs.context import JobContext
from lib.storage import write_text
from lib.training.rows import Prepared
from lib.training.runs import RunView
from lib.training.samples import REFUSED, Question, Sample, questions, samples_file

SMALL = 1_000_000_000
"""Parameters below which, on a CPU and one token at a time, threads wait for each other longer than they compute."""


class Reader:
    """From the ids of an answer to its text, and the ids that end one."""

    def __init__(self, tokenizer: ModelTokenizer, template: Template, escape: bool) -> None:
        self._tokenizer = tokenizer
        self._tags = escapable(template, tokenizer) if escape else None
        self.stop_ids = tokenizer.stop_ids(template)

    def text(self, ids: Sequence[int]) -> str:
        text = self._tokenizer.decode(ids, continuation=True).strip()
        return unescape_text(text, self._tags) if self._tags else text


class Samples(TrainerCallback):
    """Answers the run's questions once a step that it is called at; nothing when there are none, or the job stops."""

    def __init__(self, path: Path, asked: list[Question], reader: Reader, limit: int, job: JobContext) -> None:
        self.path, self.asked, self.reader, self.limit, self.job = path, asked, reader, limit, job
        self.seconds = 0.0
        self._answered: set[int] = set()

    @classmethod
    def of(cls, run: RunView, prepared: Prepared, tokenizer: ModelTokenizer, job: JobContext) -> Samples:
        asked = questions(run.config, datasets.get(run.data_ref), prepared, run.renderer, tokenizer)
        reader = Reader(tokenizer, run.renderer, run.config.escape_tags)
        return cls(samples_file(run.id), asked, reader, run.config.sample_tokens, job)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self._forget_after(state.global_step)
        self._answer(args, state.global_step, model)

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self._answer(args, state.global_step, model)

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self._answer(args, state.global_step, model)

    def _forget_after(self, step: int) -> None:
        """A resumed run takes these steps again."""
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8").rpartition("\n")[0].split("\n")
        kept = {line: json.loads(line)["step"] for line in lines if line.strip()}
        kept = {line: number for line, number in kept.items() if number <= step}
        self._answered = set(kept.values())
        write_text(self.path, "".join(f"{line}\n" for line in kept))

    def _answer(self, args: Any, step: int, model: Any) -> None:
        if not self.asked or step in self._answered or self.job.stopping:
            return
        began = time.perf_counter()
        room = int(getattr(model.config.get_text_config(), "max_position_embeddings", 1 << 30)) - self.limit
        open_ = [question for question in self.asked if question.ids and len(question.ids) <= room]
        try:
            told = self.job.doing("answering the sample questions")
            with told, _undisturbed(model), torch.no_grad(), _precision(args, model):
                answers = self._generate(model, [question.ids for question in open_]) if open_ else []
        except torch.OutOfMemoryError:
            print("samples: no memory for them beside the training; there are none from here on", flush=True)
            torch.cuda.empty_cache()
            self.asked = []
            return
        finally:
            taken = time.perf_counter() - began
            self.seconds += taken
        if not self.job.stopping:  # else they were cut short
            self._answered.add(step)
            self._write(step, dict(zip(map(id, open_), answers, strict=True)), taken / max(len(open_), 1))

    def _generate(self, model: Any, prompts: list[list[int]]) -> list[list[int]]:
        """New ids of each prompt, in one batch padded on the left; the end token is left in."""
        width = max(map(len, prompts))
        filler = self.reader.stop_ids[0]
        ids = torch.tensor([[filler] * (width - len(prompt)) + prompt for prompt in prompts], device=model.device)
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=ids.device)
        config = GenerationConfig(
            max_new_tokens=self.limit,
            do_sample=False,
            eos_token_id=self.reader.stop_ids,
            pad_token_id=filler,
            use_cache=True,
        )
        stopping = StoppingCriteriaList([cast(StoppingCriteria, self._stop)])
        output = model.generate(
            input_ids=ids, attention_mask=mask, generation_config=config, stopping_criteria=stopping
        )
        return cast(list[list[int]], output[:, width:].tolist())

    def _stop(self, ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((ids.shape[0],), self.job.stopping, dtype=torch.bool, device=ids.device)

    def _write(self, step: int, answers: dict[int, list[int]], seconds: float) -> None:
        lines = [self._sample(step, question, answers.get(id(question)), seconds) for question in self.asked]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(line.to_dict(), ensure_ascii=False) + "\n" for line in lines))

    def _sample(self, step: int, question: Question, ids: list[int] | None, seconds: float) -> Sample:
        sample = partial(Sample, step, question.prompt, reference=question.reference, row_id=question.row_id)
        if ids is None:
            problem = question.problem or f"{len(question.ids)} tokens leave the model no room for an answer"
            return sample("", 0, 0.0, REFUSED, problem=problem)
        stops = set(self.reader.stop_ids)
        end = next((place for place, number in enumerate(ids) if number in stops), None)
        ids, ended = (ids, "length") if end is None else (ids[:end], "end")
        return sample(self.reader.text(ids), len(ids), round(seconds, 3), ended)


@contextlib.contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    """The model in evaluation mode, with modes, random numbers and threads afterwards as they were."""
    training = [module for module in model.modules() if module.training]
    on_gpu, threads = model.device.type == "cuda", torch.get_num_threads()
    with torch.random.fork_rng(devices=[model.device] if on_gpu else []):
        model.eval()
        if not on_gpu and model.num_parameters() < SMALL:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            for module in training:
                module.training = True


def _precision(args: Any, model: Any) -> contextlib.AbstractContextManager[Any]:
    """That of the training steps."""
    dtype = torch.bfloat16 if args.bf16 else torch.float16
    return torch.autocast(model.device.type, dtype, enabled=bool(args.bf16 or args.fp16))
