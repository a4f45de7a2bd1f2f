"""The adapter of a run, and what the run was made with."""

from __future__ import annotations

import platform
import resource
from pathlib import Path
from typing import Any

import torch

from lib import models
from lib.data import datasets
from lib.errors import StorageError
from lib.formats import ModelTokenizer
from lib.models import loading
from lib.storage import RENDERER, replaced_folder, write_json
from lib.training.rows import Prepared
from lib.training.runs import RunView, command_line
from lib.training.template_hash import template_sha256
from lib.training.trainer.loss import AnswerLossTrainer
from lib.versions import versions


def save_adapter(run: RunView, base: Path, tokenizer: ModelTokenizer, trainer: AnswerLossTrainer) -> None:
    """The adapter as safetensors, with beside it the renderer that made its data and the hash of its base."""
    try:
        with replaced_folder(run.folder / "adapter") as folder:
            trainer.adapted.save_pretrained(str(folder))
            loading.load_tokenizer(base).save_pretrained(folder)
            write_json(
                folder / RENDERER,
                {
                    "template": run.template,
                    **({"template_source": source} if (source := run.renderer.source) else {}),
                    "escape_tags": run.config.escape_tags,
                    "tokenizer_sha256": tokenizer.fingerprint,
                    "base": run.model,
                    "base_sha256": models.fingerprint(base),
                    "quantization": run.config.quantization,
                },
            )
    except Exception as error:
        if "No space left" in str(error):  # safetensors reports the system's error as its own kind
            raise StorageError(f"The disk that holds {run.folder} is full.", "Free some space, start again.") from error
        raise


def peak_memory() -> int:
    """Bytes: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory_limit() -> int | None:
    """Bytes that the GPU has; None without one, where other programs take from the same memory."""
    return int(torch.cuda.get_device_properties(0).total_memory) if torch.cuda.is_available() else None


def provenance(run: RunView, tokenizer: ModelTokenizer, prepared: Prepared) -> dict[str, Any]:
    """What the manifest says beside the results: all that it takes to repeat the run, but for what takes a while."""
    source = run.renderer.source
    return {
        "data": run.data_ref,
        "data_hash": datasets.get(run.data_ref).hash,
        "model": run.model,
        "template": run.template,
        "template_sha256": template_sha256(run.renderer, tokenizer),
        **({"template_source": source} if source else {}),
        "settings": run.config.to_dict(),
        "command": command_line(run.data_ref, run.model, run.template, run.config),
        "rows": prepared.to_dict(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU ({platform.machine()})",
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
