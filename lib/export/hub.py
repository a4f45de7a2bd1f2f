"""A folder to the Hugging Face Hub, as a dataset or a model: its files in one commit, so that all are there or none.

The token is the one of HF_TOKEN or `hf auth login`; it is given to the Hub's client only, and stored nowhere.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from lib.errors import BadInput, StudioError

_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN to a token with the right to write."
_SAID = 200  # characters of what the Hub says


def push_to_hub(
    folder: Path,
    repo_id: str,
    private: bool = True,
    token: str | None = None,
    endpoint: str | None = None,
    kind: str = "dataset",
) -> str:
    """Upload the files of a folder; returns the address. The repository is made when there is none.

    Args:
        repo_id: `owner/name`.
        kind: `dataset` or `model`.
        endpoint: the Hub's address; HF_ENDPOINT, else huggingface.co, when None.

    Raises:
        BadInput: no such id is possible; or the repository is public already while `private` was asked for.
        StudioError: no token, no right, no network, or the Hub refuses; says what to do.
    """
    from huggingface_hub import HfApi, get_token

    check_repo_id(repo_id, kind)
    api = HfApi(endpoint=endpoint or os.environ.get("HF_ENDPOINT") or None)
    token = token or get_token()
    if not token:
        raise StudioError(f"{repo_id} cannot be written: there is no token for the Hub.", _LOG_IN)
    try:
        _push(api, folder, repo_id, private, token, kind)
    except StudioError:
        raise
    except Exception as error:  # the Hub's client raises its own kinds and those of three libraries below it
        raise _translated(error, repo_id, str(api.endpoint)) from error
    return f"{api.endpoint}/{'datasets/' if kind == 'dataset' else ''}{repo_id}"


def check_repo_id(repo_id: str, kind: str = "dataset") -> str:
    """Return it.

    Raises:
        BadInput: it is not `owner/name` as the Hub has them.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    hint = "Write owner/name: letters, digits, '-', '_' and '.', such as ada/support-desk."
    if not _REPO.fullmatch(repo_id):
        raise BadInput(f"{repo_id!r} is not the id of a {kind} on the Hub.", hint)
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise BadInput(f"{repo_id!r} is not the id of a {kind} on the Hub.", hint) from error
    return repo_id


def _push(api: Any, folder: Path, repo_id: str, private: bool, token: str, kind: str) -> None:
    from huggingface_hub import CommitOperationAdd

    api.create_repo(repo_id, repo_type=kind, private=private, exist_ok=True, token=token)
    # One that was there keeps its visibility, whatever was asked for.
    if private and api.repo_info(repo_id, repo_type=kind, token=token).private is False:
        raise BadInput(
            f"{repo_id} is there already, and everybody can read it.", f"Push it as public, or name another {kind}."
        )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    additions = [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in files]
    # Not `upload_folder`: it may make several commits, and leave some of the files when it fails in between.
    api.create_commit(repo_id, additions, commit_message=f"Upload {kind} from Tandem", repo_type=kind, token=token)


def _translated(error: Exception, repo_id: str, endpoint: str) -> StudioError:
    from huggingface_hub.errors import OfflineModeIsEnabled

    what = f"{repo_id} cannot be written"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OfflineModeIsEnabled):
        return StudioError(f"{what}: HF_HUB_OFFLINE is set.", "Unset it to reach the Hub.")
    if status == 401:
        return StudioError(f"{what}: the Hub does not accept the token.", _LOG_IN)
    if status == 403:
        owner = repo_id.partition("/")[0]
        return StudioError(
            f"{what}: the token has no right to write for {owner}.",
            f"Use a token with the right to write to {owner}, or push under your own name.",
        )
    said = re.sub(r"\s+", " ", getattr(error, "server_message", None) or str(error))[:_SAID]
    if status is not None:
        return StudioError(f"{what}: the Hub answered {status}, {said}", "Look at what it says; try again later.")
    if isinstance(error, ValueError):
        return StudioError(f"{what}: {said}", "Mend what it names, and push again.")
    return StudioError(
        f"{what}: {endpoint} cannot be reached, or did not answer to the end ({type(error).__name__}).",
        "Check the network and push again: nothing of it is in the repository.",
    )
