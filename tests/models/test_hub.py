"""A look at models on a Hub on this machine: what is said of them, and what is refused with what to do."""

from __future__ import annotations

import pytest

from lib.errors import BadInput, ModelError, NotFound, StudioError
from lib.models.hub import look
from lib.models.ids import HubId
from tests.models.hub_server import COMMIT, Repo, model_files, weights


def test_what_a_model_is(hub):
    hub.repos["ada/small"] = Repo()
    found = look("ada/small").check()
    assert (found.repo, found.revision, found.commit, found.license) == ("ada/small", "main", COMMIT, "apache-2.0")
    assert (found.architecture, found.context_length, found.parameters) == ("LlamaForCausalLM", 2048, 50_000)
    assert found.chat_template is False and not found.gated and not found.quantized
    names = {file.name for file in found.files}
    assert names == {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", "README.md"}
    assert found.size == sum(len(hub.repos["ada/small"].files[name]) for name in names)
    text = "\n".join(found.lines())
    for part in (
        "LlamaForCausalLM",
        "2,048 tokens",
        "50.",
        "kB to fetch in 5 files",
        "apache-2.0",
        "open to everybody",
    ):
        assert part in text
    assert found.to_dict()["refusals"] == []
    assert not hub.sent.get("model.safetensors"), "nothing large is fetched"


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub):
    older = "a" * 40
    hub.repos["ada/small"] = Repo(revisions={"v1.0": older, "refs/pr/1": older, older[:12]: older})
    assert look("ada/small@v1.0").commit == look("ada/small@refs/pr/1").commit == older
    assert look(f"ada/small@{older[:12]}").revision == older[:12]
    with pytest.raises(NotFound, match="no such revision") as caught:
        look("ada/small@v2")
    assert "branch" in caught.value.hint


def test_only_one_form_of_the_weights_and_no_pickles(hub):
    shards = {f"model-0000{n}-of-00002__safetensors": weights(4_000, n) for n in (1, 2)}
    hub.repos["ada/large"] = Repo(
        model_files(
            model__safetensors=None,
            consolidated__safetensors=weights(8_000),
            pytorch_model__bin=b"x" * 8_000,
            model__safetensors__index__json=b"{}",
            training_args__bin=b"x",
            LICENSE=b"Do.",
            tokenizer__model=b"x",
            **shards,
            **{"onnx/model__onnx": b"x", "original/params__json": b"{}", "../up__json": b"{}"},
        )
    )
    assert {file.name for file in look("ada/large").files} == {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "tokenizer.model",
        "README.md",
        "LICENSE",
        "model.safetensors.index.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    }


REFUSED = {
    "pickled": ({"model__safetensors": None, "pytorch_model__bin": b"x"}, "pickled only", "safetensors"),
    "gguf": ({"model__safetensors": None, "x__Q4__gguf": b"x"}, "GGUF", "converted from"),
    "nothing": ({"model__safetensors": None}, "no safetensors", "another"),
    "own code": (
        {"config": {"model_type": "odd", "auto_map": {"AutoModelForCausalLM": "modeling_odd.Odd"}}},
        "code of its own",
        "built in",
    ),
    "another kind": ({"config": {"model_type": "t5"}}, "writes answers", "causal"),
    "old tokenizer": ({"tokenizer__json": None, "tokenizer__model": b"x"}, "only the old tokenizer.model", "copy"),
    "adapter": ({"config__json": None, "adapter_config__json": b"{}"}, "an adapter", "made for"),
    "no config": ({"config__json": None}, "no config.json", "transformers"),
    "broken config": ({"config__json": b"[1]"}, "no JSON", "another"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_said_before_anything_is_fetched(hub, case):
    changed, message, hint = REFUSED[case]
    hub.repos["ada/odd"] = Repo(model_files(**changed))
    found = look("ada/odd")
    with pytest.raises(ModelError, match="ada/odd cannot be used") as caught:
        found.check()
    assert message in caught.value.message and hint in caught.value.hint
    assert message in "\n".join(found.lines())


def test_code_that_transformers_has_built_in_is_no_reason(hub):
    hub.repos["ada/phi"] = Repo(model_files(config={"model_type": "phi3", "auto_map": {"AutoConfig": "x.Y"}}))
    look("ada/phi").check()


@pytest.mark.parametrize("gated", ["auto", "manual"])
def test_a_gated_model_says_where_to_accept_its_licence(hub, gated, monkeypatch):
    hub.repos["ada/gated"] = Repo(gated=gated, license="llama3.2")
    found = look("ada/gated")
    assert found.gated == gated and found.architecture == "LlamaForCausalLM", "that much is open to all"
    with pytest.raises(ModelError, match="It is gated") as caught:
        found.check()
    assert f"{hub.url}/ada/gated" in caught.value.hint and "hf auth login" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert look("ada/gated").check().gated == gated


def test_with_a_token_that_has_no_access_the_hint_is_another(hub, monkeypatch):
    hub.repos["ada/gated"] = Repo(gated="manual")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(StudioError, match="does not accept the token") as caught:
        look("ada/gated")
    assert "hf auth login" in caught.value.hint and "hf_wrong" not in str(caught.value)


def test_missing_and_private_ones_cannot_be_told_apart(hub, monkeypatch):
    hub.repos["ada/secret"] = Repo(private=True)
    for name in ("ada/none", "ada/secret"):
        with pytest.raises(NotFound, match="none of that name, or it is private") as caught:
            look(name)
        assert "hf auth login" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert look("ada/secret").private


def test_a_renamed_model_is_found_under_its_new_name(hub):
    hub.repos |= {"ada/old": Repo(renamed="ada/new"), "ada/new": Repo()}
    found = look("ada/old")
    assert (found.repo, found.asked) == ("ada/new", "ada/old")
    assert "ada/old is called ada/new now." in found.lines()


def test_no_network(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NotFound, match=r"127\.0\.0\.1:9 cannot be reached") as caught:
        look("ada/small")
    assert "network" in caught.value.hint
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(NotFound, match="HF_HUB_OFFLINE is set"):
        look("ada/small")


@pytest.mark.parametrize(("status", "message"), [(429, "too often"), (503, "answered 503"), (403, "no right")])
def test_a_hub_that_refuses(hub, status, message):
    hub.status = status
    with pytest.raises(StudioError, match=message) as caught:
        look("ada/small")
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["small", "a/b/c", "ada/..", "ada/x--y", "/x", "ada/", "../x", "a b/c", "ada/x.git", "ada/x@", "ada/x@../y"]
)
def test_ids_that_cannot_be(name):
    with pytest.raises(BadInput, match="not the id of a model") as caught:
        HubId.parse(name)
    assert "owner/name" in caught.value.hint
