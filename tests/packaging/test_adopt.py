"""Adapters that others made: taken in as runs that answer, are packaged; others refused by name."""

from __future__ import annotations

import json
import shutil

import pytest

from lib import packaging
from lib.errors import BadInput, ModelError, NotFound, StudioError
from lib.formats import load_tokenizer
from lib.models import find, fingerprint
from lib.storage import read_json
from lib.training import runs
from lib.training.adopt import adopt
from tests import tiny

torch = pytest.importorskip("torch")


@pytest.fixture(scope="session")
def made_elsewhere(tiny_folder, tmp_path_factory):
    """By peft alone, with nothing of the studio in it."""
    return tiny.write_adapter(tiny_folder, tmp_path_factory.mktemp("elsewhere") / "adapter", seed=1, scale=0.1)


@pytest.fixture
def copy(made_elsewhere, tmp_path):
    return shutil.copytree(made_elsewhere, tmp_path / "copy")


def change(folder, **values):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


def test_an_adapter_becomes_a_run_that_answers(tiny_home, made_elsewhere):
    from lib.inference.generator import BASE, Generator, Sampling

    view = adopt(str(made_elsewhere), "guest", "tiny", "chatml", "ann")
    assert view == runs.get("guest") and view.status == "finished" and view.has_adapter and not view.job.live
    assert (view.config.r, view.config.lora_alpha, view.config.max_length) == (4, 8, 512)
    assert view.renderer.name == "chatml" and view.summary["adopted_from"] == made_elsewhere.name
    assert view in runs.list_runs() and view.to_dict()["status"] == "finished"
    kept = read_json(view.folder / "adapter" / "renderer.json")
    assert kept["base_sha256"] == fingerprint(find("tiny").path)
    assert read_json(view.folder / "adapter" / "adapter_config.json")["base_model_name_or_path"] == "tiny"
    generator = Generator(find("tiny").path)
    generator.add_adapter("guest", view.folder / "adapter")
    prompt = load_tokenizer(find("tiny").path).tokenize([]).ids or [5, 6, 7]
    said = generator.generate([prompt, prompt], [BASE, "guest"], [2], Sampling(max_new_tokens=8))
    assert said[0].ids != said[1].ids


def test_it_is_packaged_like_any_other(tiny_home, made_elsewhere, package):
    adopt(str(made_elsewhere), "guest", "tiny", "alpaca", "ann", "nf4")
    for kind in ("adapter", "merged"):
        job = package("guest", kind)
        assert job.status == "finished", job.error
    parity = packaging.packages("guest")[1].parity
    assert parity["same"] == parity["prompts"] == 16 and parity["kl"] < 1e-5
    card = (packaging.packages("guest")[0].folder / "README.md").read_text()
    assert "made elsewhere" in card and "general questions" not in card


def test_a_package_of_ours_says_itself_how_it_was_trained(finished, package):
    view = finished(template="chatml", quantization="nf4")
    folder = package(view.id, "adapter").result["out"]
    again = adopt(folder, "again", "tiny")
    assert again.template == "chatml" and again.config.quantization == "nf4"
    weights = [(run.folder / "adapter" / "adapter_model.safetensors").read_bytes() for run in (view, again)]
    assert weights[0] == weights[1]
    with pytest.raises(BadInput, match="There is a run again"):
        adopt(folder, "again", "tiny")


REFUSED = {
    "no LoRA": ({"peft_type": "LOHA"}, "of the kind LOHA"),
    "other task": ({"task_type": "SEQ_CLS"}, "not for writing text"),
    "changed base": ({"init_lora_weights": "pissa_niter_4"}, "changes the base's own weights"),
    "more layers": ({"layer_replication": [[0, 1], [0, 1]]}, "layer_replication"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_kinds_are_refused_by_name(tiny_home, copy, case):
    values, match = REFUSED[case]
    with pytest.raises(BadInput, match=match):
        adopt(str(change(copy, **values)), "guest", "tiny", "chatml")
    assert not runs.list_runs() and not (tiny_home / "runs").exists()


def test_files_that_are_missing_broken_or_unsafe(tiny_home, copy, tmp_path):
    def refused(match, kind=StudioError, **options):
        with pytest.raises(kind, match=match) as caught:
            adopt(**{"source": str(copy), "name": "guest", "model": "tiny", "template": "chatml", **options})
        return caught.value

    refused("no folder", NotFound, source=str(tmp_path / "nowhere"))
    refused("no model", NotFound, model="nobody")
    refused("no template", NotFound, template="nothing")
    refused("in which template", BadInput, template="")
    refused("no way to hold", BadInput, quantization="q8")
    refused("cannot be used as a run id", BadInput, name="../x")
    weights = copy / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused("cannot be read", BadInput)
    weights.rename(copy / "adapter_model.bin")
    assert "safe_serialization=True" in refused("can run code when it is read", BadInput).hint
    (copy / "adapter_model.bin").unlink()
    refused("no adapter_model.safetensors", BadInput)
    (copy / "adapter_config.json").write_text("{")
    refused("is no JSON", BadInput)
    (copy / "adapter_config.json").unlink()
    refused("no adapter_config.json", BadInput)
    assert not runs.list_runs()


def test_a_base_of_another_shape_is_refused(tiny_home, copy, tmp_path):
    tiny.write_model(tiny_home / "models" / "wide", inner=96)
    with pytest.raises(ModelError, match=r"does not fit .*mlp.down_proj is 64 x 96 there"):
        adopt(str(copy), "guest", "wide", "chatml")
    from safetensors.torch import load_file, save_file

    path = copy / "adapter_model.safetensors"
    save_file({name.replace("layers.1", "layers.7"): value for name, value in load_file(path).items()}, path)
    with pytest.raises(ModelError, match=r"no layer model\.layers\.7"):
        adopt(str(copy), "guest", "tiny", "chatml")


def test_nothing_of_the_folder_but_the_adapter_is_taken(tiny_home, copy):
    change(copy, auto_mapping={"parent_library": "evil", "base_model_class": "Evil"})
    (copy / "evil.py").write_text("raise SystemExit")
    view = adopt(str(copy), "guest", "tiny", "chatml")
    assert "evil" not in (view.folder / "adapter" / "adapter_config.json").read_text()
    assert not list(view.folder.rglob("*.py"))
