"""A conversation with several panes at once: one question to all, each pane with the answers that it gave itself.

talk = Talk(system="Be brief.").asked("What is a bursa?")
talk.messages("run:gentle-otter")        # what that pane is asked now
talk = talk.heard({"run:gentle-otter": Answer("A sac.", "end", tokens=3, seconds=0.1)})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lib.records import Conversation, Message

WRITTEN = ("end", "length", "stopped")
"""How an answer ends that has a text: by itself, at the limit, or because somebody stopped it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pane has written so far. `ended`: empty while it goes on, one of `WRITTEN`, or `refused` (see `message`).

    `note`: what is going on while there is no text. `seconds`: from when its turn came to its last token.
    """

    text: str = ""
    ended: str = ""
    note: str = ""
    tokens: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    message: str = ""
    hint: str = ""

    @property
    def rate(self) -> float:
        """Tokens a second; 0 where none was written."""
        return self.tokens / self.seconds if self.seconds else 0.0

    def stopped(self) -> Answer:
        """The same after somebody stopped it; one that had ended already stays."""
        return self if self.ended else replace(self, ended="stopped", note="")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to all panes, and their answers by the pane's key. `fault`: message and hint of what broke off."""

    content: str
    context: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    fault: tuple[str, str] | None = None

    @property
    def question(self) -> Message:
        return Message("user", self.content, self.context)


@dataclass(frozen=True, slots=True)
class Talk:
    """All turns so far. `going`: the last one is being answered."""

    system: str = ""
    turns: tuple[Turn, ...] = ()
    going: bool = False

    def asked(self, content: str, context: str = "", at: int | None = None) -> Talk:
        """A further question; `at` puts it in the place of an earlier one, and what came after that is gone."""
        kept = self.turns if at is None else self.turns[:at]
        return replace(self, turns=(*kept, Turn(content, context)), going=True)

    def heard(self, answers: Mapping[str, Answer]) -> Talk:
        """What is known by now of the answers to the last question."""
        *before, last = self.turns
        return replace(self, turns=(*before, replace(last, answers={**last.answers, **answers})))

    def done(self, fault: tuple[str, str] | None = None) -> Talk:
        """Nothing more comes; answers that had not ended stay as they are, stopped."""
        *before, last = self.turns
        answers = {key: answer.stopped() for key, answer in last.answers.items()}
        return replace(self, turns=(*before, replace(last, answers=answers, fault=fault)), going=False)

    def conversation(self, pane: str, at: int = -1) -> Conversation:
        """The conversation with one pane up to the question of a turn. Turns that it has not answered are left out."""
        at = range(len(self.turns))[at]
        messages = [Message("system", self.system)] if self.system.strip() else []
        for turn in self.turns[:at]:
            answer = turn.answers.get(pane)
            if answer is not None and answer.ended in WRITTEN:
                messages += [turn.question, Message("assistant", answer.text)]
        return Conversation((*messages, self.turns[at].question))

    def messages(self, pane: str) -> list[dict[str, str]]:
        """What a pane is asked now."""
        return [message.to_dict() for message in self.conversation(pane).messages]

    def unseen(self, pane: str) -> int:
        """Earlier questions that a pane knows nothing of, as it came later or could not answer."""
        answers = (turn.answers.get(pane) for turn in self.turns[:-1])
        return sum(answer is None or answer.ended not in WRITTEN for answer in answers)
