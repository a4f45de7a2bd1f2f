"""What the Hub's client raises, in words with what to do."""

from __future__ import annotations

import re

from lib.errors import NotFound, StudioError

_SAID = 200  # characters of what the Hub says
_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


def no_access(repo: str, endpoint: str) -> tuple[str, str]:
    """What happened and what to do, for a gated model whose files may not be read."""
    from huggingface_hub import get_token

    page = f"{endpoint}/{repo}"
    if get_token():
        return (
            "It is gated, and the account of your token has no access (yet).",
            f"Ask for it at {page} and accept the licence there; its owner may take a while to grant it.",
        )
    return (
        "It is gated: one has to accept its licence first.",
        f"Accept it at {page}, then log in here with `hf auth login` (or set HF_TOKEN), and fetch it again.",
    )


def is_refused_access(error: Exception) -> bool:
    from huggingface_hub.errors import GatedRepoError

    return isinstance(error, GatedRepoError) or _status(error) in (401, 403)


def explained(error: Exception, name: str, endpoint: str) -> StudioError:
    """The error for a person; one of ours stays as it is."""
    from huggingface_hub import errors

    if isinstance(error, StudioError):
        return error
    what = f"{name} could not be had from the Hub"
    if isinstance(error, errors.GatedRepoError):
        message, hint = no_access(name.partition("@")[0], endpoint)
        return StudioError(f"{what}. {message}", hint)
    known = {
        errors.OfflineModeIsEnabled: (
            "HF_HUB_OFFLINE is set.",
            "Unset it to reach the Hub, or use a model that is on this machine.",
        ),
        errors.RevisionNotFoundError: ("it has no such revision.", "Name a branch, a tag or a commit of it."),
        errors.RepositoryNotFoundError: (
            "there is none of that name, or it is private.",
            f"Check the spelling at {endpoint}. If it is private, {_LOG_IN}.",
        ),
        errors.DisabledRepoError: ("the Hub has closed it.", "Take another model."),
    }
    for kind, (message, hint) in known.items():
        if isinstance(error, kind):
            return NotFound(f"{what}: {message}", hint)
    return _by_status(error, what, endpoint)


def _by_status(error: Exception, what: str, endpoint: str) -> StudioError:
    status = _status(error)
    if status == 401:
        return StudioError(f"{what}: the Hub does not accept the token.", f"To renew it, {_LOG_IN}.")
    if status == 403:
        return StudioError(f"{what}: the token has no right to read it.", f"With one that has, {_LOG_IN}.")
    if status == 429:
        return StudioError(f"{what}: it was asked too often.", f"Wait some minutes, or {_LOG_IN}.")
    if status is not None:
        said = re.sub(r"\s+", " ", getattr(error, "server_message", None) or str(error))[:_SAID]
        return StudioError(f"{what}: the Hub answered {status}, {said}", "Try again later.")
    return NotFound(
        f"{what}: {endpoint} cannot be reached, or did not answer to the end ({type(error).__name__}).",
        "Check the network, then fetch it again: what has come is kept. Models that are here work without.",
    )


def _status(error: Exception) -> int | None:
    found = getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None
