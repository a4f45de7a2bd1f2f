"""Every kind of finding by name, with the words that people read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer

Severity = Literal["fault", "doubt", "note"]
Scope = Literal["model", "row"]


@dataclass(frozen=True)
class LintKind:
    """`explanation`: what it is and why it matters; `remedy`: what to do.

    `severity`: a fault spoils rows or loses them; a doubt may be meant so; a note is about other software.
    `scope`: found in single rows, or of template and tokenizer alone. `mend`: what can be done to such rows
    mechanically, in words, if not to every one of them. `suggest`: settings that would do away with it.
    """

    name: str
    label: str
    explanation: str
    remedy: str
    severity: Severity
    scope: Scope = "row"
    mend: str = ""
    suggest: dict[str, Any] = field(default_factory=dict)

    @property
    def mendable(self) -> bool:
        return bool(self.mend)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "mendable": self.mendable}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: its kind, what exactly, and the number of the message it is in, from 1; None for all of the row."""

    kind: str
    detail: str
    message: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


_ALL = (
    LintKind("no_answer", "No answer", "The row does not end with an answer, or with an empty one. It teaches nothing, "
             "or to say nothing, and training leaves it out.", "Write the answer or delete the row.", "fault",
             mend="Delete the rows"),
    LintKind("tags_in_text", "Marks of the format in a text", "A message holds a mark by which the template tells "
             "messages apart. Written as it is it would start or end a message, so the row is left out.",
             "Write such marks with a backslash: for all rows by the setting, or into the rows.", "fault",
             mend="Write the marks with a backslash", suggest={"escape": True}),
    LintKind("cannot_carry", "Does not fit the template", "The template has no place for this conversation, and the "
             "row is left out.", "Choose another template, or change the row.", "fault",
             mend="Join messages of one role"),
    LintKind("nothing_left", "Nothing to learn", "Within the length limit no token of the row is learned: its prompt "
             "alone fills it, or the template marks no answer.", "Raise the limit, or leave the row out.", "fault",
             mend="Delete the rows"),
    LintKind("too_long", "Too long", "The row has more tokens than the limit. What becomes of it is a setting: left "
             "out, cut, without its oldest turns, or split.", "Choose what becomes of it, raise the limit, or delete "
             "the row.", "doubt", mend="Delete the rows", suggest={"long_rows": "split"}),
    LintKind("eos_missing", "No end after an answer", "An answer is not followed by a token that ends it, so the model "
             "does not learn to stop.", "Use a template that ends answers with a token this model knows.", "fault",
             suggest={"template": "model"}),
    LintKind("eos_not_trained", "End of an answer not learned", "The token that ends an answer is there, but the loss "
             "does not count it, so the model does not learn to stop.", "Let the answer's part of the template take "
             "in the end token.", "fault", suggest={"template": "model"}),
    LintKind("bos_twice", "Beginning token twice", "Two beginning tokens follow each other, which the model never saw: "
             "template and tokenizer both write one.", "Take it out of the template.", "fault"),
    LintKind("bos_missing", "No beginning token", "The model wants every text to start with its beginning token, and "
             "this one does not.", "Write it in the template, or choose another.", "fault",
             suggest={"template": "model"}),
    LintKind("boundary", "Boundary inside a token", "Encoded at once, the last letters of a prompt and the first of "
             "its answer would be one token. Here they are kept apart, as they are when the model is asked; software "
             "that encodes whole texts would train other tokens.", "Nothing, when training here; elsewhere use the "
             "export as token ids, or a template that puts a line break or a special token there.", "note"),
    LintKind("specials_in_text", "Special tokens in a text", "A message holds the letters of a special token. Here "
             "they stay letters; most other software would swallow them as the token itself, and end or start a turn.",
             "Write them with a backslash: for all rows by the setting, or into the rows.", "doubt",
             mend="Write the tokens with a backslash", suggest={"escape": True}),
    LintKind("own_system_prompt", "System prompt that nobody wrote", "The template puts a system prompt of its own "
             "before rows that have none, and the model learns to answer under it.", "Keep it if that is meant. To "
             "see and edit it, write it into the rows.", "doubt", mend="Write the system prompt into the rows"),
    LintKind("whitespace_eaten", "Whitespace that is not learned", "The template strips spaces or line breaks at the "
             "start or end of a message, so the model never sees them.", "Nothing, unless they matter; strip them in "
             "the rows, so that what is stored is what is learned.", "note", mend="Strip the texts"),
    LintKind("wrong_template", "Another form than the model's own", "The model comes with a chat template that writes "
             "the same messages differently: what it has learned of chatting is tied to that form.",
             "Use the model's own template, unless you mean to teach it a new form.", "doubt", "model",
             suggest={"template": "model"}),
    LintKind("pad_is_eos", "Padding is the end token", "The model pads with its end token, or names no padding. "
             "Training here keeps them apart. Software that leaves padding out of the loss by its id leaves out the "
             "real ends as well, and the model does not learn to stop.", "Nothing, when training here; elsewhere give "
             "the tokenizer another padding token.", "note", "model"),
    LintKind("bos_in_text", "Beginning token in exported text", "The written text starts with the beginning token, and "
             "this tokenizer puts one there by itself: software that encodes the exported text has it twice.",
             "Nothing, when training here; export without special tokens, or as token ids.", "note", "model"),
)  # fmt: skip

LINTS: dict[str, LintKind] = {kind.name: kind for kind in _ALL}
"""All kinds, the gravest first."""


def suggestion(kind: str, template_name: str, tokenizer: ModelTokenizer) -> dict[str, Any]:
    """Settings that would do away with a finding; empty when there are none that this model allows."""
    suggest = LINTS[kind].suggest
    useless = "template" in suggest and (tokenizer.chat is None or template_name == suggest["template"])
    return {} if useless else dict(suggest)
