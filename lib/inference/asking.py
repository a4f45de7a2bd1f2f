"""One question to several panes: each in the template of its side, those that share a base in one batch.

What a pane cannot be asked, such as a conversation that its template has no place for, it says itself; the others
answer all the same. Imports torch.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from lib import models
from lib.errors import ModelError, StudioError
from lib.formats import load_tokenizer, stored_template
from lib.formats.escaping import escapable, unescape_text
from lib.inference.generator import BASE, Generator, Request, Sampling
from lib.inference.talk import Answer
from lib.records import Conversation
from lib.storage import run_dir

PAUSE = 0.04  # seconds between two states that are told: nobody reads faster

Base = tuple[Path, str]
"""What has to be loaded: a model's folder, and how it is held."""


class Voice:
    """One pane: its question as token ids, and its answer read from such.

    `asked`: a side (see `lib.evaluation.sides.Side.to_dict`) with the `messages` that it is asked.
    """

    def __init__(self, asked: Mapping[str, Any]) -> None:
        """Raises:
        NotFound, ModelError: no such model or template, or one that cannot be used.
        CannotCarry, TemplateError: the template has no place for this conversation.
        BadInput: there are no messages.
        """
        self.run: str | None = asked.get("run")
        model = models.find(asked["model"]).check()
        self.base: Base = model.path, asked.get("quantization", "none")
        template, escape = stored_template(asked["template"], asked.get("source", "")), asked.get("escape", False)
        self._tokenizer = load_tokenizer(model.path)
        conversation = Conversation.from_dict({"messages": asked["messages"]})
        self.ids = self._tokenizer.encode_conversation(conversation, template, generation=True, escape=escape).ids
        self._stop_ids = tuple(self._tokenizer.stop_ids(template))
        self._tags = escapable(template, self._tokenizer) if escape else None

    def request(self) -> Request:
        """All panes draw the same numbers, so that what differs is due to the models."""
        return Request(self.ids, self.run or BASE, self._stop_ids, key=0)

    def read(self, ids: Sequence[int]) -> str:
        text = self._tokenizer.decode(ids, continuation=True)
        return unescape_text(text, self._tags) if self._tags is not None else text

    def put_on(self, generator: Generator, sampling: Sampling) -> None:
        """Raises:
        ModelError: the adapter is missing or does not fit, or the prompt leaves no room for an answer.
        """
        generator.check_room(len(self.ids), sampling)
        if self.run:
            folder = run_dir(self.run) / "adapter"
            if not folder.exists():
                raise ModelError(f"The run {self.run} has no adapter yet.", "Wait until it ends, or stop it.")
            generator.add_adapter(self.run, folder)


class Asking:
    """A question that is being answered. `answers` has what is known so far, pane by pane."""

    def __init__(
        self,
        panes: Sequence[Mapping[str, Any]],
        sampling: Sampling,
        tell: Callable[[list[dict[str, Any]]], None],
        stopping: Callable[[], bool],
    ) -> None:
        """`tell` is given all answers as they are by then; `stopping` says whether to leave off."""
        self.answers = [Answer(note="waiting for its turn") for _ in panes]
        self._sampling, self._tell, self._stopping = sampling, tell, stopping
        self._told = 0.0
        self._voices: dict[int, Voice] = {}
        for place, asked in enumerate(panes):
            try:
                self._voices[place] = Voice(asked)
            except StudioError as error:
                self._refuse([place], error)

    def run(self, load: Callable[[Base], Generator], held: Base | None) -> None:
        """Answer base by base, first the one that is `held` already."""
        bases = list(dict.fromkeys(voice.base for voice in self._voices.values()))
        for base in sorted(bases, key=lambda base: base != held):
            places = [place for place, voice in self._voices.items() if voice.base == base]
            if self._stopping():
                break
            try:
                self._set(places, note="loading the model")
                self._ask(load(base), places)
            except torch.cuda.OutOfMemoryError:
                error = ModelError("The GPU's memory ran out.", "Ask for shorter answers or fewer panes at once.")
                self._refuse(places, error)
            except StudioError as error:
                self._refuse(places, error)
            except Exception as error:  # the boundary of a request: the engine lives on
                traceback.print_exc()
                self._refuse(places, ModelError(f"The engine failed: {error}", "Ask again."))
        self.answers = [answer.stopped() for answer in self.answers]

    def _ask(self, generator: Generator, places: Sequence[int]) -> None:
        able = []
        for place in places:
            try:
                self._voices[place].put_on(generator, self._sampling)
                able.append(place)
            except StudioError as error:
                self._refuse([place], error)
        if not able:
            return
        self._set(able, note="reading the question")
        writing = _Writing(self, able)
        requests = [self._voices[place].request() for place in able]
        for row, completion in generator.answers(requests, self._sampling, writing.on_token):
            writing.end(row, completion.ids, completion.ended)

    def _refuse(self, places: Sequence[int], error: StudioError) -> None:
        """Panes that cannot answer say why; what they had written stays."""
        for place in places:
            if not self.answers[place].ended:
                self.answers[place] = replace(
                    self.answers[place], ended="refused", note="", message=error.message, hint=error.hint
                )

    def _set(self, places: Sequence[int], **changes: Any) -> None:
        for place in places:
            self.answers[place] = replace(self.answers[place], **changes)
        self.tell()

    def tell(self) -> None:
        self._told = time.monotonic()
        self._tell([asdict(answer) for answer in self.answers])

    @property
    def due(self) -> bool:
        """Whether it is time to tell again."""
        return time.monotonic() - self._told >= PAUSE

    def wrote(self, place: int, ids: Sequence[int], seconds: float, ended: str = "") -> None:
        """A pane has written so much by now."""
        voice = self._voices[place]
        text = voice.read(ids)
        self.answers[place] = Answer(
            text.strip() if ended else text, ended, "", len(ids), round(seconds, 3), len(voice.ids)
        )

    def stopping(self) -> bool:
        return self._stopping()


class _Writing:
    """The rows of one base while they are written, and how long each took: a short answer is not a slow one."""

    def __init__(self, asking: Asking, places: Sequence[int]) -> None:
        self._asking, self._places = asking, places
        self._ids: list[list[int]] = [[] for _ in places]
        self._began = [0.0] * len(places)
        self._seconds = [0.0] * len(places)
        self._before = time.perf_counter()

    def on_token(self, newest: list[int | None]) -> bool:
        now = time.perf_counter()
        for row, token in enumerate(newest):
            if token is not None:
                if not self._ids[row]:
                    self._began[row] = self._before
                self._ids[row].append(token)
                self._seconds[row] = now - self._began[row]
        self._before = now
        if self._asking.due:
            for row, token in enumerate(newest):
                if token is not None:
                    self._asking.wrote(self._places[row], self._ids[row], self._seconds[row])
            self._asking.tell()
        return self._asking.stopping()

    def end(self, row: int, ids: Sequence[int], ended: str) -> None:
        self._asking.wrote(self._places[row], ids, self._seconds[row], ended)
        self._asking.tell()
