"""The one unit of data: a `Conversation` of `Message`s. Invalid ones fail at construction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from lib.errors import BadInput

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    `context` is Alpaca's `input`: material that the request in `content` is about. Only user messages have one.

    Raises:
        BadInput: unknown role, text that is no string, context on a role that has none.
    """

    role: Role
    content: str
    context: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise BadInput(f"A message has the role {self.role!r}.", f"Use one of: {', '.join(ROLES)}.")
        if not isinstance(self.content, str) or not isinstance(self.context, str):
            raise BadInput(f"The {self.role} message is not text.", "Give its content as a string.")
        if self.context and self.role != "user":
            raise BadInput(f"The {self.role} message has a context.", "Only user messages carry one.")

    def to_dict(self) -> dict[str, str]:
        message: dict[str, str] = {"role": self.role, "content": self.content}
        return {**message, "context": self.context} if self.context else message


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in order, with the other keys of the line they came from in `extra`.

    Raises:
        BadInput: no messages at all.
    """

    messages: tuple[Message, ...]
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.messages:
            raise BadInput("The conversation has no messages.", "Give at least one user message.")

    @classmethod
    def from_dict(cls, line: Any) -> Conversation:
        """Read `{"messages": [{"role", "content", "context"?}, …]}`; other keys go to `extra`.

        Raises:
            BadInput: not that shape; says which message.
        """
        if not isinstance(line, Mapping) or not isinstance(line.get("messages"), list):
            raise BadInput(
                "This is not a conversation.", 'Give an object like {"messages": [{"role": "user", "content": "Hi"}]}.'
            )
        messages = []
        for number, item in enumerate(line["messages"], start=1):
            if not isinstance(item, Mapping) or "role" not in item or "content" not in item:
                raise BadInput(f"Message {number} has no role or no content.", "Give both as strings.")
            messages.append(Message(item["role"], item["content"], item.get("context") or ""))
        return cls(tuple(messages), {key: value for key, value in line.items() if key != "messages"})

    def to_dict(self) -> dict[str, Any]:
        return {"messages": [message.to_dict() for message in self.messages], **self.extra}

    def prompt(self) -> Conversation:
        """The same conversation without its last message, when that is the assistant's answer."""
        return Conversation(self.messages[:-1], self.extra) if self.messages[-1].role == "assistant" else self

    def answer(self) -> str:
        """The last assistant message's text; empty when the conversation does not end with one."""
        return self.messages[-1].content if self.messages[-1].role == "assistant" else ""


def replace_text(conversation: Conversation, change: Callable[[str], str]) -> Conversation:
    """The conversation with every text changed."""
    messages = (
        replace(message, content=change(message.content), context=change(message.context) if message.context else "")
        for message in conversation.messages
    )
    return Conversation(tuple(messages), conversation.extra)
