"""A model of Llama-2-7B's shape on one GPU: LoRA by our trainer beside TRL's defaults and Unsloth, and answers of base
and tuned beside plain `generate`, in one go.

Takes some ten minutes on an H100 and 14 GB of disk (in BENCH_GPU_FOLDER, else where temporary files are). Unsloth is
measured where BENCH_UNSLOTH names the folder that holds it (`pip install --target`): it needs older versions of what
requirements.txt pins.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lib.devices import default_device
from lib.settings import ROOT
from tests.bench.gpu_cases import CASES, LENGTH

GIB = 2**30
Line = tuple[str, str, str, str, str]
Found = dict[tuple[str, str], dict[str, Any]]


def measure() -> list[Line]:
    device = default_device()
    if not device.is_gpu:
        return [("LoRA on a 7B model, one GPU", "not measured", "no CUDA device here", "", ">= 14,000 tokens/s")]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_GPU_FOLDER")) as folder:
        base = Path(folder) / "base"
        _run("base", base, [])
        found = _run("trl", base, ["defaults", "defaults uneven"])
        if os.environ.get("BENCH_UNSLOTH"):
            for name in ("defaults", "no checkpoints"):  # what the first leaves allotted would count in the second
                found |= _run("unsloth", base, [name])
        found |= _run("ours", base, ["fast", "save", "uneven", "uneven packed", "fast bf16"])
        found |= _run("ours", base, ["recipe of 2023", "fp16"])
        for quantization in ("nf4", "int8", "bf16"):
            found |= _run("ours", base, [name for name in CASES if name.startswith(f"memory {quantization}")])
        for name in ("plain", "large", "ours"):
            found |= _run("generation", base, [name], "tests.bench.gpu_generation")
    print(f"  on {device.name}", file=sys.stderr, flush=True)
    return [*_speed(found), _saving(found), *_recipe(found), *_plans(found), _answers(found)]


def _run(kind: str, base: Path, names: list[str], module: str = "tests.bench.gpu_runs") -> Found:
    """The cases in a process of their own; what failed has `error` in place of figures."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    if kind == "unsloth":
        environment["PYTHONPATH"] = os.environ["BENCH_UNSLOTH"]
    arguments = [str(base), *names] if kind == "generation" else [kind, str(base), *names]
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"kind"')]
    for line in lines:
        print(f"  {json.dumps(line)}", file=sys.stderr, flush=True)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr, flush=True)
    missing = {(kind, name): {"error": done.stderr.strip().splitlines()[-1:]} for name in names}
    return missing | {(kind, line["name"]): line for line in lines}


def _speed(found: Found) -> list[Line]:
    what = "7B shape, r16 all-linear, real tokens/s: "
    even, uneven = found["trl", "defaults"], found["trl", "defaults uneven"]
    unsloth = found.get(("unsloth", "no checkpoints"), {})
    others = f"{_rate(even)} (TRL's defaults), {_rate(unsloth)} (Unsloth, no checkpoints)"
    return [
        _line(f"{what}NF4, 8 x {LENGTH:,}", found["ours", "fast"], even, others, ">= 14,000"),
        _line(f"{what}bf16 base, 8 x {LENGTH:,}", found["ours", "fast bf16"], even, others, "shown"),
        _line(f"{what}NF4, uneven, 16 rows a step", found["ours", "uneven"], uneven, f"{_rate(uneven)} (TRL)", ">= 4"),
        _line("the same, packed", found["ours", "uneven packed"], uneven, f"{_rate(uneven)} (TRL)", ">= 4"),
    ]


def _line(what: str, ours: dict[str, Any], trl: dict[str, Any], others: str, budget: str) -> Line:
    ratio = f"{ours['rate'] / trl['rate']:.2f}" if "rate" in ours and "rate" in trl else ""
    return f"{what} ({_gib(ours)} GiB)", _rate(ours), others, ratio, budget


def _saving(found: Found) -> Line:
    ours, trl, unsloth = (
        found.get(key, {}) for key in (("ours", "save"), ("trl", "defaults"), ("unsloth", "defaults"))
    )
    what = f"told to save memory, NF4, 4 x {LENGTH:,}: GiB ({_rate(ours)} tokens/s)"
    others = f"{_gib(trl)} (TRL, {_rate(trl)}/s), {_gib(unsloth)} (Unsloth, {_rate(unsloth)}/s)"
    return what, _gib(ours), others, "", "<= 5.9"


def _recipe(found: Found) -> list[Line]:
    lines = []
    for name, words, known, budget in (
        ("recipe of 2023", "recipe of 2023 (NF4, fp16, r64 on q and v, 4 rows, 100 steps)", "11 (as reported)", "< 11"),
        ("fp16", f"base in fp16, r16 all-linear, 4 x {LENGTH:,}", "", "runs"),
    ):
        run = found["ours", name]
        losses = run.get("loss", [0.0, 0.0])
        what = f"{words}: GiB; {_rate(run)} tokens/s, loss {losses[0]:.2f} to {losses[-1]:.2f}"
        lines.append((what, _gib(run), known, "", budget))
    return lines


def _plans(found: Found) -> list[Line]:
    lines = []
    for quantization in ("nf4", "int8", "bf16"):
        runs = [(name, found["ours", name]) for name in CASES if name.startswith(f"memory {quantization}")]
        known = [(name.partition(f"{quantization} ")[2], run) for name, run in runs if "plan" in run]
        ratios = [run["plan"] / run["peak"] for _, run in known]
        lines.append(
            (
                f"plan's memory, {quantization}: {'; '.join(name for name, _ in known)}: GiB",
                ", ".join(f"{run['plan'] / GIB:.2f}" for _, run in known),
                ", ".join(_gib(run) for _, run in known) + " (measured)",
                ", ".join(f"{ratio:.2f}" for ratio in ratios),
                "0.85 to 1.15",
            )
        )
    return lines


def _answers(found: Found) -> Line:
    plain, large, ours = (found["generation", name] for name in ("plain", "large", "ours"))
    what = f"7B shape, base and tuned, 256 prompts, 128 + 128 tokens: new tokens/s ({_gib(ours)} GiB)"
    others = f"{_rate(plain)} (generate, 64 at once, two passes), {_rate(large)} (256 at once)"
    ratio = f"{ours['rate'] / plain['rate']:.2f}" if "rate" in ours and "rate" in plain else ""
    return what, _rate(ours), others, ratio, ">= 2.5"


def _rate(run: dict[str, Any]) -> str:
    return f"{run['rate']:,.0f}" if "rate" in run else "not measured"


def _gib(run: dict[str, Any]) -> str:
    return f"{run['peak'] / GIB:.2f}" if "peak" in run else "?"
