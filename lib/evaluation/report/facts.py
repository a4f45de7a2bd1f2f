"""What a reader has to know to trust a comparison, and to repeat it."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from lib.evaluation.comparing.config import CompareConfig
from lib.evaluation.comparing.view import ComparisonView
from lib.words import counted, duration

Facts = list[tuple[str, str]]
"""What -> how it is."""
HASHES = {
    "base_sha256": "weights of the base",
    "adapter_sha256": "adapter",
    "tokenizer_sha256": "tokenizer",
    "template_sha256": "template",
}
ANSWERS = (
    ("Empty answers", "empty"),
    ("Answers cut at the length limit", "cut"),
    ("Of these, going round in circles", "circling"),
)


def when(view: ComparisonView) -> str:
    """`2 May 2026, 14:05 UTC`; when it ended, or began where that is not known."""
    at = datetime.fromtimestamp(view.result.get("finished_at") or view.created_at, UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def how_sure(view: ComparisonView) -> Facts:
    """How many rows the figures stand on, and which are not among them."""
    result = view.result
    rows, leaked = result.get("rows", 0), result.get("leaked", 0)
    clean = rows - leaked if 0 < leaked < rows else rows
    found = [
        ("In the figures", f"{counted(clean, 'question')} of {result.get('asked', rows):,} asked"),
        ("Leaked", _leaked(view)),
        ("Unmatched", f"{result.get('unmatched', 0):,} (questions that only some of the models could be asked)"),
    ]
    if left_out := result.get("left_out"):
        found.append(("Left out", ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())))
    if result.get("stopped"):
        found.append(("Stopped", "before its last question"))
    for what, key in ANSWERS:
        counts = result.get(key, {})
        if any(counts.values()):
            found.append((what, ", ".join(f"{side} {count:,}" for side, count in counts.items())))
    return found


def noise(view: ComparisonView) -> Facts:
    """How far figures move with another seed, where the same was asked or trained more than once."""
    stored = view.result.get("noise", {})
    labels = {name: spec.label for name, spec in view.metrics.items()}
    groups = [(f"answers of {side}", metrics) for side, metrics in stored.get("seeds", {}).items()]
    groups += [(f"runs {', '.join(one['runs'])}", one["metrics"]) for one in stored.get("runs", [])]
    return [
        (f"{labels.get(metric, metric)}, {what}", one["sentence"])
        for what, metrics in groups
        for metric, one in metrics.items()
    ]


def proof(view: ComparisonView) -> Facts:
    """Whether each adapter was seen to change what its base answers."""
    return [
        (run, "changes the base's output" if one.get("differs") else "does not change the base's output")
        for run, one in view.result.get("proof", {}).items()
    ]


def sides(view: ComparisonView) -> list[tuple[str, Facts]]:
    """What each side is made of, with the SHA-256 of each part."""
    found = []
    for name, parts in view.result.get("sides", {}).items():
        own = [("model", str(parts["model"])), ("template", str(parts["template"]))]
        own += [(key, str(parts[key])) for key in ("run", "quantization") if parts.get(key) not in (None, "", "none")]
        found.append((name, own + [(words, parts[key]) for key, words in HASHES.items() if parts.get(key)]))
    return found


def settings(view: ComparisonView) -> Facts:
    """How it was asked."""
    config = view.settings
    found = [
        ("Asked", view.asked),
        ("Questions at most", f"{config.limit:,}" if config.limit else "all"),
        ("Answers", view.result.get("decoding") or config.decoding),
        ("Seed", str(config.seed)),
        ("Asked how often", str(config.repeats)),
        ("System prompt", config.system or "none"),
    ]
    if seconds := view.result.get("seconds"):
        found.append(("Took", duration(seconds)))
    return found


def command(view: ComparisonView) -> str:
    """The command that makes the same comparison again."""
    config, plain = view.settings, CompareConfig()
    runs = [side.run for side in view.who if side.run] or view.runs
    with_base = bool(view.who) and not view.who[0].run
    models = [side for side in view.who[1 if runs and with_base else 0 :] if not side.run]
    parts = ["compare", *runs]
    parts += ["--data", view.data_ref, "--split", view.split] if view.dataset else ["--prompts", view.prompt_set]
    for side in models:
        parts += ["--model", f"{side.model}={side.template}"]
    if runs and view.who and not with_base:
        parts.append("--no-base")
    for metric in config.metrics:
        parts += ["--metric", metric]
    for name in ("limit", "max_new_tokens", "temperature", "top_p", "seed", "repeats", "system"):
        if (chosen := getattr(config, name)) != getattr(plain, name):
            parts += [f"--{name.replace('_', '-')}", f"{chosen:g}" if isinstance(chosen, float) else str(chosen)]
    return f"python -m studio {shlex.join(parts)}"


def _leaked(view: ComparisonView) -> str:
    leaked, rows = view.result.get("leaked", 0), view.result.get("rows", 0)
    if not leaked:
        return "0 (questions that a model was trained on)"
    if leaked == rows:
        return "all: what was memorised, not what was learned"
    return f"{leaked:,} (questions that a model was trained on; left out of the figures)"
