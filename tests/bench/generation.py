"""Tokens a second when base and tuned answer the same questions: ours, against asking one at a time.

The questions are medquad's (BENCH_MEDQUAD, JSON Lines with `question`), or the sample's. One at a time is plain
transformers and PEFT, on `ONE_AT_A_TIME` of the questions unless BENCH_ALL is set, which takes some ten minutes more.
The tuned side is an adapter that eight steps trained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lib.settings import ROOT, settings

QUESTIONS, ONE_AT_A_TIME, NEW_TOKENS, STEPS = 64, 6, 64, 8
TEMPLATE = "chatml"  # the starter's own: in another one its base ends at once
Prompt = list[int]


def measure() -> list[tuple[str, str, str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        starter = settings.home / "models" / "starter"
        _part("tune", starter, folder)
        one, ours = _part("one", starter, folder), _part("ours", starter, folder)
    same = sum(ours["texts"][key] == text for key, text in one["texts"].items())
    what = f"base and tuned, {QUESTIONS} questions, {NEW_TOKENS} new tokens: tokens/s"
    baseline = f"{one['rate']:.1f} (one at a time, {len(one['texts']) // 2} questions)"
    ratio = f"{ours['rate'] / one['rate']:.2f}"
    texts = f"{same} of {len(one['texts'])}"
    return [(what, f"{ours['rate']:.1f}", baseline, ratio, ">= 6"), ("the same greedy texts", texts, "", "", "all")]


def _part(kind: str, starter: Path, folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.generation", kind, str(starter), folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{kind}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if "rate" in found:
        print(f"  {kind}: {found['tokens']} tokens, {found['rate']:.1f} tokens/s", file=sys.stderr, flush=True)
    return found


def _prompts(starter: Path) -> tuple[list[Prompt], tuple[int, ...]]:
    from lib.formats import load_tokenizer
    from lib.records import Conversation, Message

    tokenizer = load_tokenizer(starter)
    asked = [Conversation((Message("user", question),)) for question, _ in _pairs()]
    prompts = [tokenizer.encode_conversation(each, TEMPLATE, generation=True).ids for each in asked]
    return prompts, tuple(tokenizer.stop_ids(TEMPLATE))


def _pairs() -> list[tuple[str, str]]:
    """Questions and their answers."""
    path = os.environ.get("BENCH_MEDQUAD") or ROOT / "studio" / "samples" / "medical-terms" / "rows.jsonl"
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    pairs = [(row.get("question") or row["instruction"], row.get("answer") or row["output"]) for row in rows]
    return pairs[:: max(len(pairs) // QUESTIONS, 1)][:QUESTIONS]


def _tune(starter: Path, folder: Path) -> dict[str, Any]:
    """An adapter that has learned from a few of the answers: enough to make its own differ from the base's."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(starter, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW((weight for weight in model.parameters() if weight.requires_grad), lr=5e-4)
    prompts, _ = _prompts(starter)
    tokenizer = AutoTokenizer.from_pretrained(starter)
    answers = [tokenizer(answer, add_special_tokens=False).input_ids[:NEW_TOKENS] for _, answer in _pairs()]
    for step in range(STEPS):
        for prompt, answer in list(zip(prompts, answers, strict=True))[step * 4 : step * 4 + 4]:
            ids = torch.tensor([[*prompt, *answer]])
            model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(str(folder / "adapter"))
    return {}


def _one(starter: Path, folder: Path) -> dict[str, Any]:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, GenerationConfig

    prompts, stop_ids = _prompts(starter)
    if not os.environ.get("BENCH_ALL"):
        prompts = prompts[:: QUESTIONS // ONE_AT_A_TIME][:ONE_AT_A_TIME]
    config = GenerationConfig(max_new_tokens=NEW_TOKENS, eos_token_id=list(stop_ids), pad_token_id=stop_ids[0])
    texts, tokens, seconds = {}, 0, 0.0
    for side in ("base", "tuned"):
        model: Any = AutoModelForCausalLM.from_pretrained(starter, dtype=torch.float32).eval()
        if side == "tuned":
            model = PeftModel.from_pretrained(model, str(folder / "adapter")).eval()
        began = time.perf_counter()
        for prompt in prompts:
            ids = torch.tensor([prompt])
            mask = torch.ones_like(ids)
            found = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)[0, len(prompt) :]
            tokens += len(found)
            answer = [token for token in found.tolist() if token not in stop_ids]
            texts[f"{side} {prompt}"] = answer
        seconds += time.perf_counter() - began
    return {"texts": texts, "tokens": tokens, "rate": tokens / seconds}


def _ours(starter: Path, folder: Path) -> dict[str, Any]:
    from lib.inference.generator import BASE, Generator, Request, Sampling

    prompts, stop_ids = _prompts(starter)
    generator = Generator(starter)
    generator.add_adapter("tuned", folder / "adapter")
    requests = [Request(prompt, name, stop_ids) for name in (BASE, "tuned") for prompt in prompts]
    began = time.perf_counter()
    answers = list(generator.answers(requests, Sampling(max_new_tokens=NEW_TOKENS)))
    seconds = time.perf_counter() - began
    assert len(answers) == len(requests)
    texts = {
        f"{'base' if requests[place].adapter == BASE else 'tuned'} {requests[place].ids}": answer.ids
        for place, answer in answers
    }
    tokens = sum(len(answer.ids) + (answer.ended == "end") for _, answer in answers)  # generate counts the end too
    return {"texts": texts, "tokens": tokens, "rate": tokens / seconds}


if __name__ == "__main__":
    part, starter_folder, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps({"tune": _tune, "one": _one, "ours": _ours}[part](starter_folder, scratch)))
