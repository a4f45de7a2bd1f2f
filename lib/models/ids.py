"""Ids of models on the Hub: `owner/name`, or `owner/name@revision` with a branch, a tag or a commit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib.errors import BadInput

MAIN = "main"
_ID = re.compile(r"([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,127}))?")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class HubId:
    """`revision` is `main` unless another was asked for. As text, a revision of `main` is left out."""

    repo: str
    revision: str = MAIN

    def __str__(self) -> str:
        return self.repo if self.revision == MAIN else f"{self.repo}@{self.revision}"

    @classmethod
    def parse(cls, text: str) -> HubId:
        """Raises:
        BadInput: it cannot be an id on the Hub.
        """
        found = _ID.fullmatch(text)
        repo, revision = (found[1], found[2] or MAIN) if found else ("", "")
        if not found or "--" in repo or ".." in text or repo.endswith((".git", ".", "-")):
            raise BadInput(
                f"{text!r} is not the id of a model on the Hub.",
                "Write owner/name, or owner/name@revision, such as HuggingFaceTB/SmolLM2-135M-Instruct.",
            )
        return cls(repo, revision)

    @property
    def folder(self) -> str:
        """The part of its folder's name that all revisions share; no two repositories have the same."""
        return self.repo.replace("/", "--")

    def means(self, revision: str, commit: str) -> bool:
        """Whether it asks for a copy that was fetched as `revision` and is of `commit`."""
        return self.revision == revision or bool(_COMMIT.fullmatch(self.revision) and commit.startswith(self.revision))


def is_id(text: str) -> bool:
    try:
        HubId.parse(text)
    except BadInput:
        return False
    return True
