"""From a question to the training rows that are most like it."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.edits.journal import edit
from lib.data.imports.importer import import_source
from lib.data.versions.save import save
from lib.errors import BadInput, NotFound
from lib.evaluation.nearest import nearest
from lib.training import runs
from lib.training.config import TrainConfig
from tests.evaluation import stored
from tests.helpers import write_lines

TEXTS = ["What is a bursa?", "What is a bursa of the knee?", "How is bursitis treated?", "Who wrote Faust?", ""]


@pytest.fixture
def data(tiny_home, tmp_path):
    rows = [
        {"question": text, "answer": f"About {n}.", "split": split}
        for n, text in enumerate(TEXTS)
        for split in ("train", "test")
    ]
    import_source(str(write_lines(tmp_path / "terms.jsonl", rows)), "terms")
    return {
        text: row_id
        for row_id, conversation in datasets.conversations(datasets.get("terms"), "train")
        for text in [conversation.messages[0].content]
    }


@pytest.fixture
def run(data):
    return runs.create("terms", "tiny", "llama2", TrainConfig(), "tester").id


def test_the_most_similar_questions_come_first(data, run):
    asked = stored.comparison({"tiny": ["a", "b"], run: ["c", "d"]}, ["what IS a bursa", "zebra crossing"])
    found = nearest(asked, 0, run)
    assert [row.row_id for row in found[:2]] == [data[TEXTS[0]], data[TEXTS[1]]]
    assert found[0].similarity == 1 and found[1].similarity == pytest.approx(4 / 7)
    assert found[0].data == "terms@1" and found[0].answer == "About 0." and found[0].question == TEXTS[0]
    assert len(nearest(asked, 0, run, k=1)) == 1
    assert nearest(asked, 1, run) == []
    with pytest.raises(NotFound, match="did not ask row 77"):
        nearest(asked, 77, run)
    with pytest.raises(NotFound):
        nearest(asked, 0, "nope")


def test_rows_that_training_passed_over_are_not_found(data, tiny_home):
    info = datasets.get("terms")
    edit(info, data[TEXTS[0]], 0, "ann", status="rejected")
    save(info, "one rejected", "ann")
    run = runs.create("terms@2", "tiny", "llama2", TrainConfig(), "tester").id
    asked = stored.comparison({"tiny": ["a"], run: ["c"]}, ["What is a bursa?"])
    assert nearest(asked, 0, run)[0].question == TEXTS[1]


def test_odd_questions_find_something_or_nothing(data, run):
    odd = ["", "?!", "' OR 1=1 --", "猫", "word " * 5000]
    asked = stored.comparison({"tiny": odd, run: odd}, [text or "." for text in odd])
    assert [nearest(asked, row, run) for row in range(len(odd))] == [[]] * len(odd)


def test_an_adapter_made_elsewhere_has_no_data_here(data, run, monkeypatch):
    from lib.database import Run, session

    asked = stored.comparison({"tiny": ["a"], run: ["c"]}, ["What is a bursa?"])
    with session() as opened:
        opened.get_one(Run, run).dataset = ""
    with pytest.raises(BadInput, match="trained elsewhere"):
        nearest(asked, 0, run)
