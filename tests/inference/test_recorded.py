"""Steps of fixed shapes, as a GPU records them, give what growing ones give. Here they run on the CPU, unrecorded."""

from __future__ import annotations

import pytest

from lib.formats import load_tokenizer
from tests import tiny

torch = pytest.importorskip("torch")

PROMPTS = ["Hi", "Translate the chat into English: hello world!", "[INST] What is your name? [/INST]", "a b c d e f"]


@pytest.fixture(scope="module")
def generator(tiny_folder, tmp_path_factory):
    from lib.inference.generator import Generator

    made = Generator(tiny_folder)
    made.add_adapter("one", tiny.write_adapter(tiny_folder, tmp_path_factory.mktemp("adapter") / "one", seed=0))
    made.model.double()  # sums over other shapes round otherwise; so finely that no other token is chosen
    return made


@pytest.fixture(scope="module")
def requests(tiny_folder):
    from lib.inference.generator import BASE, Request

    tokenizer = load_tokenizer(tiny_folder)._tokenizer
    return [Request(tokenizer.encode(text).ids, name, (2,)) for name in (BASE, "one") for text in PROMPTS]


@pytest.fixture
def recorded(monkeypatch):
    """Turns fixed steps on; counts them."""
    from lib.inference import decoding

    steps = []

    class Counted(decoding.Step):
        def __call__(self, tokens):
            steps.append(len(tokens))
            return super().__call__(tokens)

    def turn_on(worth=1):
        monkeypatch.setattr(decoding, "RECORDED_ON", ("cpu",))
        monkeypatch.setattr(decoding, "WORTH_RECORDING", worth)
        monkeypatch.setattr(decoding, "Step", Counted)
        return steps

    return turn_on


def answers(generator, requests, **options):
    from lib.inference.generator import Sampling

    return dict(generator.answers(requests, Sampling(**{"max_new_tokens": 24, **options})))


@pytest.mark.parametrize("options", [{}, {"temperature": 1.1, "top_p": 0.9, "seed": 4}], ids=["greedy", "drawn"])
def test_fixed_steps_give_the_same_answers(generator, requests, recorded, options):
    growing = answers(generator, requests, **options)
    steps = recorded()
    assert answers(generator, requests, **options) == growing
    assert len(steps) >= 22, "all steps but the first and the last"


def test_rows_that_end_leave_and_the_rest_goes_on(generator, requests, recorded):
    from dataclasses import replace

    free = answers(generator, requests)
    ending = [
        replace(request, stop_ids=(free[place].ids[3 * place],) if place < 6 else (2,))
        for place, request in enumerate(requests)
    ]
    growing = answers(generator, ending)
    steps = recorded()
    assert answers(generator, ending) == growing
    assert len(set(steps)) > 1, "the batch has become smaller on the way"


def test_a_model_that_cannot_be_recorded_still_answers(generator, requests, recorded, monkeypatch):
    from lib.inference import decoding

    growing = answers(generator, requests)
    recorded()
    refused = []

    def refuse(self, tokens):
        refused.append(tokens)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(decoding.Step, "__call__", refuse)
    assert answers(generator, requests) == growing
    assert len(refused) == 1


def test_few_steps_are_not_worth_it(generator, requests, recorded):
    steps = recorded(worth=100)
    answers(generator, requests)
    assert not steps


def test_what_the_memory_held_before_does_not_matter(generator, requests, recorded, monkeypatch):
    """Memory that was used before may hold anything, nan among it."""
    growing = answers(generator, requests)
    recorded()
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda self, shape: self.new_full(shape, float("nan")))
    assert answers(generator, requests) == growing
