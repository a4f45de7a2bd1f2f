"""One batch for base and adapters gives what each gives alone. Float32 on a CPU: ids must be equal, none excepted."""

from __future__ import annotations

import pytest

from lib.errors import ModelError
from lib.formats import load_tokenizer
from tests import tiny

torch = pytest.importorskip("torch")

PROMPTS = ["Hi", "Translate the chat into English: hello world!", "[INST] What is your name? [/INST]", "a b c d e f"]


@pytest.fixture(scope="module")
def adapters(tiny_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    return {name: tiny.write_adapter(tiny_folder, folder / name, seed=seed) for seed, name in enumerate(["one", "two"])}


@pytest.fixture(scope="module")
def prompts(tiny_folder):
    tokenizer = load_tokenizer(tiny_folder)
    return [tokenizer._tokenizer.encode(text).ids for text in PROMPTS]


@pytest.fixture(scope="module")
def stop_ids(tiny_folder):
    return load_tokenizer(tiny_folder).stop_ids("llama2")


@pytest.fixture(scope="module")
def generator(tiny_folder, adapters):
    from lib.inference.generator import Generator

    made = Generator(tiny_folder)
    for name, folder in adapters.items():
        made.add_adapter(name, folder)
    return made


def plain(folder, adapter=None):
    """The model as transformers and PEFT alone load it."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    return PeftModel.from_pretrained(model, str(adapter)).eval() if adapter else model


@torch.inference_mode()
def greedy(model, prompt, stop_ids, length):
    """Greedy decoding by hand: one row, no padding, no cache."""
    ids = list(prompt)
    for _ in range(length):
        token = int(model(torch.tensor([ids])).logits[0, -1].argmax())
        if token in stop_ids:
            break
        ids.append(token)
    return ids[len(prompt) :]


def sampling(**options):
    from lib.inference.generator import Sampling

    return Sampling(**{"max_new_tokens": 16, **options})


def test_a_mixed_batch_is_each_model_alone(generator, tiny_folder, adapters, prompts, stop_ids):
    from lib.inference.generator import BASE

    panes = [BASE, "one", "two"]
    batch = [prompt for _ in panes for prompt in prompts]
    answers = generator.generate(batch, [pane for pane in panes for _ in prompts], stop_ids, sampling())
    models = [plain(tiny_folder), *(plain(tiny_folder, adapters[name]) for name in ("one", "two"))]
    alone = [greedy(model, prompt, stop_ids, 16) for model in models for prompt in prompts]
    assert [answer.ids for answer in answers] == alone
    assert len({tuple(ids) for ids in alone}) > len(prompts), "the models must differ for this to mean something"


KINDS = {
    "dora": {"use_dora": True},
    "dora of rank 2 on some": {"use_dora": True, "rank": 2, "target_modules": ["q_proj", "down_proj"]},
    "rslora": {"use_rslora": True, "lora_alpha": 4},
    "with embeddings": {"target_modules": ["embed_tokens", "q_proj"], "scale": 0.1},
    "with a head of its own": {"target_modules": ["v_proj"], "modules_to_save": ["lm_head"]},
}


def test_adapters_of_every_kind_side_by_side(tiny_folder, adapters, prompts, stop_ids, tmp_path):
    """Each answers as PEFT has it alone, whatever else is loaded or asked; the base as if there were none."""
    from lib.inference.generator import BASE, Generator

    generator = Generator(tiny_folder)
    generator.add_adapter("one", adapters["one"])
    folders = {name: tmp_path / name for name in KINDS}
    for seed, (name, options) in enumerate(KINDS.items()):
        generator.add_adapter(name, tiny.write_adapter(tiny_folder, folders[name], seed=seed, **options))
    panes = [BASE, *KINDS, "one"]
    batch, names = [prompt for prompt in prompts for _ in panes], panes * len(prompts)
    answers = generator.generate(batch, names, stop_ids, sampling())
    alone = {name: plain(tiny_folder, folder) for name, folder in {**folders, "one": adapters["one"]}.items()}
    alone[BASE] = plain(tiny_folder)
    expected = [greedy(alone[name], prompt, stop_ids, 16) for prompt, name in zip(batch, names, strict=True)]
    assert [answer.ids for answer in answers] == expected
    rows = [(ids, [-100] * 2 + ids[2:]) for ids in prompts if len(ids) > 3]
    for name in panes:
        ids, labels = (torch.tensor([each]) for each in rows[0])
        with torch.no_grad():
            mean = float(alone[name](ids, labels=labels).loss)
        nats, count = generator.losses(rows, name)[0]
        assert nats == pytest.approx(mean * count, rel=1e-4), name
    assert all(generator.differs_from_base(name, prompts[0]) for name in KINDS)


def test_without_adapters_it_is_the_base(tiny_folder, prompts, stop_ids):
    from lib.inference.generator import BASE, Generator

    answers = Generator(tiny_folder).generate(prompts, [BASE] * len(prompts), stop_ids, sampling())
    base = plain(tiny_folder)
    assert [answer.ids for answer in answers] == [greedy(base, prompt, stop_ids, 16) for prompt in prompts]


def test_stop_ids_end_rows_one_by_one(generator, prompts):
    from lib.inference.generator import BASE

    batch, names = [prompts[0], prompts[0], prompts[1]], [BASE, "one", BASE]
    free = generator.generate(batch, names, [2], sampling())
    stop = free[0].ids[5]
    answers = generator.generate(batch, names, [stop], sampling())
    expected = [answer.ids[: answer.ids.index(stop)] if stop in answer.ids else answer.ids for answer in free]
    assert [answer.ids for answer in answers] == expected
    assert [answer.ended for answer in answers] == ["end" if stop in answer.ids else "length" for answer in free]
    assert answers[0].ended == "end"


def test_tokens_are_handed_on_as_they_come(generator, prompts):
    from lib.inference.generator import BASE

    steps = []

    def keep(tokens):
        steps.append(tokens)
        return False

    free = generator.generate([prompts[0], prompts[2]], [BASE, "two"], [2], sampling())
    stop = free[0].ids[3]
    answers = generator.generate([prompts[0], prompts[2]], [BASE, "two"], [stop], sampling(), keep)
    for row, answer in enumerate(answers):
        assert [step[row] for step in steps if step[row] is not None] == answer.ids


def test_it_stops_when_told(generator, prompts):
    from lib.inference.generator import BASE

    steps = []

    def enough(tokens):
        steps.append(tokens)
        return len(steps) == 3

    answers = generator.generate(prompts[:2], [BASE, "one"], [2], sampling(max_new_tokens=100), enough)
    assert len(steps) <= 4, "one more step at most"
    assert [answer.ended for answer in answers] == ["stopped"] * 2
    assert all(len(answer.ids) <= 4 for answer in answers)


def test_sampling_follows_its_seed(generator, prompts):
    from lib.inference.generator import BASE

    def answer(seed):
        options = sampling(temperature=1.5, top_p=0.95, seed=seed, max_new_tokens=24)
        return generator.generate(prompts[:1], [BASE], [2], options)[0].ids

    assert answer(1) == answer(1) != answer(2)


def test_a_drawn_answer_does_not_depend_on_the_others(generator, prompts):
    from lib.inference.generator import BASE

    options = sampling(temperature=1.2, top_p=0.9, seed=3)
    together = generator.generate([prompts[0], *prompts], [BASE, "one", "two", BASE, "one"], [2], options)
    assert generator.generate([prompts[0]], [BASE], [2], options)[0] == together[0]


def test_many_requests_come_in_batches_and_all_come(generator, prompts, monkeypatch):
    from lib.inference import batching
    from lib.inference.generator import BASE, Request

    monkeypatch.setitem(batching.MOST_ROWS, "cpu", 5)
    requests = [Request(ids, name, (2,)) for name in (BASE, "one", "two") for ids in prompts]
    together = dict(generator.answers(requests, sampling()))
    assert sorted(together) == list(range(len(requests)))
    for place, request in enumerate(requests):
        assert together[place] == generator.generate([request.ids], [request.adapter], [2], sampling())[0]


def test_a_prompt_without_room_is_named(generator):
    from lib.inference.generator import BASE

    assert generator.context_length == 512
    with pytest.raises(ModelError, match=r"500 tokens and 16 new ones .* 512") as caught:
        generator.generate([[5] * 500], [BASE], [2], sampling())
    assert "Shorten" in caught.value.hint


def test_losses_are_those_of_plain_transformers(generator, tiny_folder, adapters, prompts):
    from lib.inference.generator import BASE, Generator

    rows = [(ids, [-100] * (len(ids) // 2) + ids[len(ids) // 2 :]) for ids in prompts]
    rows.append(([5, 6, 7], [5, 6, 7]))  # scored from the start: its first token has nothing before it
    for name, model in [(BASE, plain(tiny_folder)), ("one", plain(tiny_folder, adapters["one"]))]:
        for (ids, labels), (nats, count) in zip(rows, generator.losses(rows, name), strict=True):
            scored = sum(label != -100 for label in labels[1:])
            with torch.no_grad():
                mean = float(model(torch.tensor([ids]), labels=torch.tensor([labels])).loss)
            assert count == scored
            assert nats == pytest.approx(mean * scored, rel=1e-5)
    bare, beside = (made.losses(rows, BASE) for made in (Generator(tiny_folder), generator))
    assert [nats for nats, _ in bare] == pytest.approx([nats for nats, _ in beside])


def test_an_adapter_in_use_differs_from_its_base(generator, tiny_folder, prompts, tmp_path):
    from peft import LoraConfig, get_peft_model

    assert generator.differs_from_base("one", prompts[0])
    get_peft_model(
        plain(tiny_folder), LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    ).save_pretrained(str(tmp_path / "empty"))
    generator.add_adapter("empty", tmp_path / "empty")
    assert not generator.differs_from_base("empty", prompts[0])


@pytest.mark.parametrize("held", [False, True], ids=["first", "second"])
def test_an_adapter_of_another_model_is_refused_and_leaves_no_trace(
    tiny_folder, adapters, prompts, stop_ids, tmp_path, held
):
    from lib.inference.generator import BASE, Generator

    larger = tiny.write_model(tmp_path / "larger", inner=192)  # some of its layers fit
    alien = tiny.write_adapter(larger, tmp_path / "alien", seed=3)
    generator = Generator(tiny_folder)
    if held:
        generator.add_adapter("one", adapters["one"])
    for folder in (alien, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match="cannot be put onto this base") as caught:
            generator.add_adapter("alien", folder)
        assert caught.value.hint
    names = [BASE, "one"] if held else [BASE]
    answers = generator.generate([prompts[1]] * len(names), names, stop_ids, sampling())
    assert answers[0].ids == greedy(plain(tiny_folder), prompts[1], stop_ids, 16)
    if not held:
        generator.add_adapter("one", adapters["one"])
        answers = generator.generate([prompts[1]] * 2, [BASE, "one"], stop_ids, sampling())
        assert answers[0].ids == greedy(plain(tiny_folder), prompts[1], stop_ids, 16)
    assert answers[1].ids == greedy(plain(tiny_folder, adapters["one"]), prompts[1], stop_ids, 16)
