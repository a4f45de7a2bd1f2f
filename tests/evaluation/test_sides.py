"""Who answers: bases, runs, other models with other tokenizers and templates; and what is said where they differ."""

from __future__ import annotations

import pytest

from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation import comparisons
from lib.evaluation.sides import Side, model_side, run_side, sides_of
from lib.storage import run_dir
from lib.training.adopt import adopt
from tests import tiny
from tests.formats.tokenizers_for_tests import llama2_like


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory):
    """A model of the same shape with other weights and another tokenizer."""
    return tiny.write_model(tmp_path_factory.mktemp("models") / "other", seed=5, tokenizer=llama2_like)


@pytest.fixture
def other(studio_home, other_folder):
    (studio_home / "models" / "other").symlink_to(other_folder)
    return "other"


def kinds(view):
    return [warning["kind"] for warning in view.result["warnings"]]


def test_sides_have_names_of_their_own(run, other):
    tuned = run_side(run.id)
    assert (tuned.name, tuned.model, tuned.run, tuned.template) == (run.id, "tiny", run.id, "llama2")
    extra = [model_side("tiny", "chatml"), model_side("tiny", like=tuned), model_side("other"), model_side("other")]
    found = sides_of([run.id], [*extra, model_side("tiny", "chatml", "int8")])
    assert [side.name for side in found] == ["tiny", run.id, "tiny (none)", "other", "tiny (int8)"]
    assert found[0].template == "llama2" and found[3].template == "model"
    assert [Side.from_dict(side.to_dict()) for side in found] == found
    assert [side.name for side in sides_of([], [model_side("other"), model_side("tiny")])] == ["other", "tiny"]


def test_what_is_no_side_is_refused(run, other, studio_home):
    for wrong, kind in (
        (lambda: model_side("nope"), NotFound),
        (lambda: model_side("other", "nope"), NotFound),
        (lambda: model_side("other", quantization="int3"), BadInput),
        (lambda: sides_of([run.id], [], base=False), BadInput),
        (lambda: sides_of(["nope"], []), NotFound),
    ):
        with pytest.raises(kind) as caught:
            wrong()
        assert caught.value.hint


def test_another_model_with_other_tokens(run, other, compare):
    """Both bases are loaded one after the other; perplexity per token is not compared, and that is said."""
    metrics = ("chrf", "perplexity", "bits_per_byte")
    view = compare([run.id], models=[model_side(other)], metrics=metrics)
    assert view.sides == ["tiny", run.id, "other"] and view.result["rows"] == 6
    assert kinds(view) == ["template", "tokenizer"]
    pairs = {(pair["tuned"], pair["metric"]): pair for pair in view.result["pairs"]}
    assert "different tokens" in pairs["other", "perplexity"]["untested"]
    assert not pairs["other", "bits_per_byte"]["untested"] and not pairs[run.id, "perplexity"]["untested"]
    assert view.result["models"]["other"]["perplexity"]["mean"] > 1
    assert set(view.result["proof"]) == {run.id}


def test_a_model_asked_in_two_templates(run, compare):
    view = compare([], data="sums", models=[model_side("tiny", "llama2"), model_side("tiny", "chatml")])
    assert view.sides == ["tiny", "tiny (none)"] and view.runs == []
    assert kinds(view) == ["template", "same_model"] and view.asked == "sums@1 test"
    stored = comparisons.outputs(view.id)
    assert stored["text|tiny"] != stored["text|tiny (none)"]
    with pytest.raises(BadInput, match="Nothing says which questions"):
        compare([], models=[model_side("tiny", "llama2"), model_side("tiny", "chatml")])


def test_the_same_adapter_twice_is_named(run, compare):
    """An adapter taken in under another name: the same weights, no evidence, and what it was trained on is unknown."""
    twin = adopt(str(run_dir(run.id) / "adapter"), "twin", "tiny", "llama2", user="tester")
    view = compare([run.id, twin.id], base=False, metrics=("chrf", "perplexity"))
    assert view.sides == [run.id, "twin"] and kinds(view) == ["same_adapter", "leaks_unknown"]
    assert view.result["verdicts"]["twin"]["verdict"] == "no evidence"
    assert all(pair["difference"] == 0 and pair["ties"] == 6 for pair in view.result["pairs"])
    with pytest.raises(BadInput, match="Nothing says which questions"):
        comparisons.create(["twin"], None, "test", comparisons.CompareConfig(), "tester")


def test_a_run_without_an_adapter_is_no_side(studio_home):
    from lib.training import runs
    from lib.training.config import TrainConfig

    waiting = runs.create("sums", "tiny", "llama2", TrainConfig(), "tester")
    with pytest.raises(WrongState, match="has no adapter"):
        run_side(waiting.id)
