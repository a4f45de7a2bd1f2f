"""Packages of a real run: what lies in them, that others can load them; a merge that went wrong is none."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import yaml

from lib import packaging
from lib.data import datasets
from lib.errors import BadInput, NotFound, StorageError, WrongState
from lib.formats import load_tokenizer
from lib.jobs import queue
from lib.jobs import run as job_process
from lib.models import find
from lib.packaging.packages import package_dir
from lib.records import Conversation, Message
from lib.storage import read_json
from lib.training import runs
from lib.training.plan import plan, submit_dry_run
from tests import tiny
from tests.export.hub_server import FakeHub, running

torch = pytest.importorskip("torch")

CHAT = [{"role": "user", "content": "Add 3 and 3."}]


def logits(model, folder):
    """Of the packaged chat template's prompt."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, return_tensors="pt", return_dict=False)
    with torch.no_grad():
        return model.eval()(ids).logits


def adapted(view, folder, **options):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(find(view.model).path, dtype=torch.float32, **options)
    return PeftModel.from_pretrained(base, str(folder))


def usual_mode(folder):
    """Of a file that is made without any word about its mode."""
    new = folder.parent / "new"
    new.touch()
    mode = new.stat().st_mode & 0o777
    new.unlink()
    return mode


def test_an_adapter_is_what_peft_loads(finished, package):
    view = finished()
    job = package(view.id, "adapter")
    assert job.status == "finished", job.error
    (made,) = packaging.packages(view.id)
    assert made.kind == "adapter" and made.folder == package_dir(view.id, "adapter") and made.parity == {}
    modes = {path.stat().st_mode & 0o777 for path in made.folder.iterdir()}
    assert modes == {usual_mode(made.folder)}, "others may serve it"
    there = {path.name for path in made.folder.iterdir()}
    assert there == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "README.md",
        "chat_template.jinja",
        "renderer.json",
        "loss.svg",
        "manifest.json",
    }
    assert set(made.manifest["files"]) == there - {"manifest.json"}
    assert read_json(made.folder / "adapter_config.json")["base_model_name_or_path"] == "tiny"
    assert made.manifest["chat_template"] == {"file": "chat_template.jinja", "same_tokens": 16, "of": 16}
    here, own = adapted(view, made.folder), adapted(view, view.folder / "adapter")
    torch.testing.assert_close(logits(here, made.folder), logits(own, made.folder))
    assert str(find("tiny").path) not in (made.folder / "README.md").read_text() + json.dumps(made.manifest)


def test_a_package_is_handed_out_as_one_archive(finished, package):
    run = finished()
    package(run.id, "adapter")
    (made,) = packaging.packages(run.id)
    with zipfile.ZipFile(io.BytesIO(packaging.zipped(made))) as archive:
        assert archive.testzip() is None
        names = [*made.manifest["files"], "manifest.json"]
        assert sorted(archive.namelist()) == sorted(f"{run.id}-adapter/{name}" for name in names)
    (made.folder / "README.md").unlink()
    with pytest.raises(StorageError, match="README"):
        packaging.zipped(made)


def test_a_merged_model_says_what_the_adapter_says(finished, package):
    from transformers import AutoModelForCausalLM

    view = finished()
    job = package(view.id, "merged")
    assert job.status == "finished", job.error
    (made,) = packaging.packages(view.id)
    parity = made.parity
    assert (parity["prompts"], parity["same"], parity["ties"]) == (16, 16, 0) and parity["kl"] < 1e-6
    assert 0 < parity["max_logit"] < 1e-3 and parity["positions"] > 16
    assert made.manifest["prompts"] == f"6 rows of {view.data_ref} test, 10 rows of {view.data_ref} train"
    assert parity["sentence"].startswith("16 of 16 greedy texts are the same")
    assert parity["sentence"] in (made.folder / "README.md").read_text()
    assert made.manifest["chat_template"]["same_tokens"] == 16
    assert {"Modelfile", "generation_config.json", "config.json", "model.safetensors"} <= set(made.manifest["files"])
    merged = AutoModelForCausalLM.from_pretrained(made.folder)
    assert merged.dtype == torch.float32
    torch.testing.assert_close(
        logits(merged, made.folder), logits(adapted(view, view.folder / "adapter"), made.folder), atol=1e-3, rtol=1e-3
    )
    tokenizer = load_tokenizer(find("tiny").path)
    assert merged.generation_config.eos_token_id == tokenizer.stop_ids("llama2")
    assert "quantization_config" not in read_json(made.folder / "config.json")
    find(str(made.folder))  # a model that the studio itself can use


@pytest.mark.parametrize(
    "settings",
    [
        {"quantization": "nf4"},
        {"quantization": "nf4", "target_modules": "q_proj,v_proj"},
        {"use_dora": True},
        {"use_rslora": True, "r": 8},
        {"quantization": "nf4", "use_dora": True},
        {"quantization": "int8"},
    ],
    ids=lambda settings: "-".join(f"{key}={value}" for key, value in settings.items()),
)
def test_every_kind_of_adapter_keeps_its_answers(finished, package, settings):
    view = finished(learning_rate=0.003, **settings)
    job = package(view.id, "merged")
    assert job.status == "finished", job.error
    parity = job.result["parity"]
    assert parity["same"] == parity["prompts"] == 16 and parity["kl"] < 1e-5
    held = settings.get("quantization", "none")
    assert (f"{held} weights" in job.result["merged_into"]) == (held != "none")


def test_four_bits_on_a_cpu_from_the_plan_to_the_answer_of_the_package(new_run, package, jobs_here):
    """Planned, measured, trained, merged: the package alone says what base and adapter say."""
    from lib.inference.generator import BASE, Generator, Sampling

    view = new_run(quantization="nf4", max_steps=8)
    info, config = datasets.get(view.data_ref), view.config
    submit_dry_run(info, "tiny", "llama2", config, "tester")
    jobs_here()
    planned = plan(info, "tiny", "llama2", config)
    assert planned.can_start and planned.measured and planned.pace.steps == 8
    assert any(item.name == "base" and "4 bits" in item.words for item in planned.memory.items)
    done = runs.get(view.id)
    assert done.status == "finished" and done.summary["loss"][1] < done.summary["loss"][0]
    made = package(view.id, "merged").result
    assert made["parity"]["same"] == made["parity"]["prompts"] == 16

    tokenizer = load_tokenizer(find("tiny").path)
    asked = Conversation((Message("user", "Add 3 and 3."),))
    ids = tokenizer.encode_conversation(asked, view.renderer, generation=True).ids
    beside = Generator(find("tiny").path, "nf4")
    beside.add_adapter(view.id, view.folder / "adapter")
    stops, sampling = tokenizer.stop_ids("llama2"), Sampling(max_new_tokens=12)
    (expected,) = beside.generate([ids], [view.id], stops, sampling)
    (said,) = Generator(find(made["out"]).path).generate([ids], [BASE], stops, sampling)
    assert said.ids == expected.ids


def test_half_precision_is_rounded_once_and_told_as_it_is(finished, package):
    view = finished()
    job = package(view.id, "merged", dtype="bfloat16")
    assert job.status == "finished", job.error
    parity = job.result["parity"]
    assert job.result["dtype"] == "bfloat16" and 1e-6 < parity["kl"] < 0.01
    assert parity["same"] + parity["ties"] == parity["prompts"]


def spoil(folder):
    """One weight of one layer of a merged model, as a bad disk might."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["model.layers.1.mlp.down_proj.weight"][:, :8] *= -1
    save_file(weights, path, metadata={"format": "pt"})


def test_a_merge_that_went_wrong_fails_and_leaves_nothing(finished, package, monkeypatch, tmp_path):
    """Spoiled after it was written, at the moment that the job says it goes on to compare."""
    from lib.jobs.context import JobContext

    view, said = finished(), JobContext.progress
    out = tmp_path / "merged"

    def progress(job, done, total=None, text="", **more):
        if text == "comparing it with the adapter":
            places = [*view.folder.glob("packages/.*/model.safetensors"), *tmp_path.glob(".*/model.safetensors")]
            spoil(places[0].parent)
        said(job, done, total, text, **more)

    package(view.id, "adapter")
    monkeypatch.setattr(JobContext, "progress", progress)
    for options in ({}, {"out": str(out)}):
        job = package(view.id, "merged", **options)
        assert job.status == "failed"
        assert "does not say what the adapter says" in job.error["message"] and "of 16 greedy" in job.error["message"]
        assert [made.kind for made in packaging.packages(view.id)] == ["adapter"]
        assert [path.name for path in (view.folder / "packages").iterdir()] == ["adapter"]
        assert not out.exists() and not list(tmp_path.glob(".merged*"))


def test_merging_into_weights_that_were_not_trained_against_is_noticed(finished, package, monkeypatch):
    from lib.packaging import merging

    view, merge = finished(quantization="nf4"), merging.merge
    monkeypatch.setattr(merging, "merge", lambda base, held, *rest: merge(base, "none", *rest))
    job = package(view.id, "merged")
    assert job.status == "failed" and "does not say what the adapter says" in job.error["message"]


def test_a_new_package_takes_the_place_of_the_old_and_a_stop_leaves_the_old(finished, package, monkeypatch):
    view = finished()
    package(view.id, "adapter")
    first = packaging.packages(view.id)[0].manifest["made_at"]
    package(view.id, "adapter")
    second = packaging.packages(view.id)[0].manifest["made_at"]
    assert second > first
    monkeypatch.setattr("lib.jobs.context.JobContext.stopping", True)
    for kind in ("adapter", "merged"):
        assert package(view.id, kind).status == "stopped"
    assert [made.manifest["made_at"] for made in packaging.packages(view.id)] == [second]
    assert [path.name for path in (view.folder / "packages").iterdir()] == ["adapter"]


def test_what_cannot_be_packaged_is_refused_at_once(finished, new_run, tmp_path):
    view = finished()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for options, match in (
        ({"as_": "zip"}, "no kind of package"),
        ({"as_": "merged", "dtype": "int4"}, "precision"),
        ({"as_": "adapter", "dtype": "float32"}, "precision"),
        ({"as_": "adapter", "out": str(tmp_path / "full")}, "not empty"),
        ({"as_": "adapter", "push": "nobody"}, "not the id of a model"),
        ({"as_": "adapter", "public": True}, "nothing to push"),
    ):
        with pytest.raises(BadInput, match=match):
            packaging.submit(view.id, **options)
    with pytest.raises(NotFound):
        packaging.submit("nobody", "adapter")
    with pytest.raises(WrongState, match="has no adapter"):
        packaging.submit(new_run().id, "adapter")
    assert packaging.newest_job(view.id) is None
    packaging.submit(view.id, "merged")
    with pytest.raises(WrongState, match="being packaged as merged already"):
        packaging.submit(view.id, "merged", out=str(tmp_path / "new"))


def test_a_model_is_pushed_in_one_commit(finished, package, online, monkeypatch):
    view = finished()
    with running(FakeHub(lfs=True)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "hf_env")
        job = package(view.id, "adapter", push="ada/sums")
        assert job.status == "finished", job.error
        assert job.result["pushed"] == f"{hub.url}/ada/sums" and "hf_env" not in json.dumps(job.result)
    folder = package_dir(view.id, "adapter")
    assert hub.files == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sum("/api/models/ada/sums/commit/" in path for path in hub.asked) == 1
    assert hub.repos["ada/sums"]["visibility"] == "private" and hub.repos["ada/sums"].get("type", "model") == "model"


def test_when_only_the_push_fails_the_package_stays(finished, package, online):
    view = finished()
    job = package(view.id, "adapter", push="ada/sums")
    assert job.status == "failed" and "there is no token" in job.error["message"]
    assert len(packaging.packages(view.id)) == 1 and packaging.newest_job(view.id).id == job.id
    assert queue.KINDS["package"][0] == "compute" and job_process


def test_the_card_tells_all_of_the_run(finished, package):
    view = finished()
    package(view.id, "adapter", licence="apache-2.0")
    text = (package_dir(view.id, "adapter") / "README.md").read_text()
    head = yaml.safe_load(text.split("---")[1])
    assert head["license"] == "apache-2.0" and head["library_name"] == "peft" and "base_model" not in head
    manifest = runs.get(view.id).summary
    for part in (
        f"`sums`, version {view.version}",
        manifest["data_hash"],
        "54 rows",
        manifest["command"],
        "`rows.jsonl`",
        manifest["versions"]["peft"],
        "| step | training loss | held-out loss |",
        "![Loss",
        manifest["base_sha256"],
        "--lora-modules",
        "--max-lora-rank 8",
    ):
        assert part in text, part
    if "git" in manifest:
        assert manifest["git"]["commit"] in text


def test_texts_of_others_stay_text_on_the_card(finished, package):
    rows = [{**row, "instruction": row["instruction"] + " <script>"} for row in tiny.ROWS]
    view = finished(rows=rows)
    from dataclasses import replace

    from lib.packaging.card import Facts, model_card

    hostile = replace(view, template="x`|<b>\n# y", model="/secret/place/ba`se<i>")
    text = model_card(hostile, Facts("adapter", licence="my `own`\n# licence"))
    assert "/secret/place" not in text and "\n# y" not in text and "\n# licence" not in text
    assert "``x`\\|<b> # y``" in text and "``ba`se<i>``" in text


def test_comparisons_stand_on_the_card(finished, package, jobs_here):
    from lib.evaluation import comparisons
    from lib.evaluation.comparisons import CompareConfig

    view = finished()
    config = CompareConfig(metrics=("perplexity",), max_new_tokens=8)
    made = comparisons.create([view.id], None, "test", config, "ann")
    jobs_here()
    result = comparisons.get(made.id).result
    package(view.id, "adapter")
    text = (package_dir(view.id, "adapter") / "README.md").read_text()
    (pair,) = result["pairs"]
    mean = result["models"][view.id]["perplexity"]["mean"]
    assert f"`{view.data_ref}`, `test`: 6 rows" in text and f"{mean:.4g} | " in text and f"`{pair['verdict']}`" in text


def test_a_package_is_made_also_when_the_data_is_gone(finished, package, home):
    import shutil

    view = finished()
    shutil.rmtree(home / "datasets")
    job = package(view.id, "merged")
    assert job.status == "finished", job.error
    assert job.result["prompts"] == "16 general questions" and job.result["parity"]["same"] == 16


def test_screens_need_no_torch():
    import subprocess
    import sys

    from lib.settings import ROOT

    code = (
        "import sys, lib.packaging, lib.training.adopt, lib.packaging.serving, studio.commands.package;"
        "assert not {'torch', 'transformers', 'peft', 'trl'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
