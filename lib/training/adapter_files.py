"""A peft adapter's files, looked at without loading them: whether the studio can use it, and on which base."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import BadInput, ModelError
from lib.models.weights import weight_files

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
CONVERT = (
    "Convert it where you trust it: load it there with peft (PeftModel.from_pretrained), then "
    "save_pretrained(folder, safe_serialization=True)."
)
_CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga", "mica")
_BROUGHT = ("lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector")
_PART = re.compile(rf"(?P<module>.+)\.(?P<part>{'|'.join(_BROUGHT)})(?:\.(?P<kind>weight|bias))?")

Shapes = dict[str, tuple[tuple[int, ...], str]]
"""Name of a tensor -> its shape and its type, as the head of a safetensors file has it."""


@dataclass(frozen=True)
class AdapterFiles:
    """A folder with an adapter in it that peft can load as LoRA. `config`: adapter_config.json."""

    folder: Path
    config: dict[str, Any]
    shapes: Shapes

    @property
    def rank(self) -> int:
        """The largest one of its layers."""
        ranks = [shape[0] for name, (shape, _) in self.shapes.items() if ".lora_A" in name or "embedding_A" in name]
        return max(ranks)

    @property
    def for_vllm(self) -> bool:
        """Whether vLLM can serve it beside its base: no DoRA, no whole layers, no biases."""
        plain = all(".lora_A." in name or ".lora_B." in name for name in self.shapes)
        return plain and not self.config.get("use_dora") and self.config.get("bias", "none") == "none"


def look(folder: Path) -> AdapterFiles:
    """Read an adapter's folder.

    Raises:
        BadInput: it is none that the studio can use; says why and what to do.
    """
    config = _config(folder)
    if not (folder / WEIGHTS).is_file():
        old = next((path.name for path in sorted(folder.glob("*.bin"))), "")
        if old:
            raise BadInput(f"{old} can run code when it is read; only safetensors are taken.", CONVERT)
        raise BadInput(f"There is no {WEIGHTS} in {folder}.", "Give the folder that peft's save_pretrained wrote.")
    shapes = tensor_shapes(folder / WEIGHTS)
    if not any(_PART.fullmatch(name) for name in shapes):
        raise BadInput(
            f"{folder / WEIGHTS} holds no LoRA weights.", "Give the folder that peft's save_pretrained wrote."
        )
    return AdapterFiles(folder, config, shapes)


def tensor_shapes(path: Path) -> Shapes:
    """What a safetensors file holds, from its head alone.

    Raises:
        BadInput: it is no such file, or is cut off.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            return {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in slices.items()}
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", "Fetch the file again.") from error


def check_fit(adapter: AdapterFiles, base: Path) -> None:
    """Compare names and shapes with the base's weights.

    Raises:
        ModelError: the base has no such layer, or one of another shape.
    """
    there: Shapes = {}
    for file in weight_files(base):
        there |= tensor_shapes(file)
    by_end = _without_first(there)
    flipped = bool(adapter.config.get("fan_in_fan_out"))
    for name, (shape, _) in adapter.shapes.items():
        found = _PART.fullmatch(name)
        module = (found["module"] if found else name.removesuffix(".weight").removesuffix(".bias")).removeprefix(
            "base_model.model."
        )
        base_weight = there.get(f"{module}.weight") or by_end.get(_last_parts(f"{module}.weight"))
        if base_weight is None and module.endswith("lm_head"):
            base_weight = next((value for key, value in there.items() if key.endswith("embed_tokens.weight")), None)
        if base_weight is None:
            raise ModelError(f"The base in {base} has no layer {module}, which the adapter changes.", _OTHER_BASE)
        if not _fits(found["part"] if found else name.rpartition(".")[2], shape, base_weight, flipped):
            raise ModelError(
                f"The adapter does not fit the base in {base}: {module} is {_by(base_weight[0])} there, and {name} of "
                f"the adapter is {_by(shape)}.",
                _OTHER_BASE,
            )


_OTHER_BASE = "Name the base that it was trained on (base_model_name_or_path in its adapter_config.json)."


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise BadInput(f"There is no {CONFIG} in {folder}.", "Give the folder that peft's save_pretrained wrote.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{path} is no JSON: {error}.", "Fetch the file again.") from error
    if not isinstance(config, dict):
        raise BadInput(f"{path} is not an adapter's configuration.", "Fetch the file again.")
    if reason := _refusal(config):
        raise BadInput(
            f"This adapter cannot be used: {reason}.", "Train a LoRA adapter, or convert this one with peft."
        )
    return config


def _refusal(config: dict[str, Any]) -> str:
    kind, task, start = (str(config.get(key)) for key in ("peft_type", "task_type", "init_lora_weights"))
    if kind != "LORA":
        return f"it is of the kind {kind[:40]}, not LoRA"
    if task not in ("CAUSAL_LM", "None"):
        return f"it is for {task[:40]}, not for writing text"
    if start.lower().startswith(_CHANGES_BASE):
        return f"its start, {start[:40]}, changes the base's own weights"
    for key in ("layer_replication", "target_parameters", "alora_invocation_tokens", "trainable_token_indices"):
        if config.get(key):
            return f"it uses {key}"
    return ""


def _fits(part: str, shape: tuple[int, ...], base: tuple[tuple[int, ...], str], flipped: bool) -> bool:
    weight, kind = base
    if kind == "U8" and part in ("lora_A", "lora_B"):
        return True  # packed in 4 bits: its shape says nothing
    if len(weight) != 2:
        return shape == weight
    out, into = reversed(weight) if flipped else weight
    if part == "lora_A":
        return shape[-1] == into
    if part in ("lora_B", "lora_magnitude_vector", "bias"):
        return shape[0] == out
    if part == "lora_embedding_A":
        return shape[-1] == weight[0]
    return shape[0] == weight[1] if part == "lora_embedding_B" else shape == weight


def _without_first(shapes: Shapes) -> Shapes:
    """By name without its first part: files may have `model.` or `transformer.` in front, or not."""
    return {_last_parts(name): value for name, value in shapes.items()}


def _last_parts(name: str) -> str:
    first, _, rest = name.partition(".")
    return rest if first in ("model", "transformer", "gpt_neox", "base_model") else name


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
