"""The Format page where a dataset leaves as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.export import job as export_job
from lib.export.options import COLUMNS
from tests.app import seeds
from tests.app.screen import button, field, open_page, words
from tests.helpers import write_lines


def exporting(dataset: str = "medical-terms", **parameters: str) -> AppTest:
    seeds.model()
    return open_page("format", dataset=dataset, view="Export", **parameters)


def written(app: AppTest, jobs_here: Callable[[], None], dataset: str = "medical-terms") -> Path:
    """The file that a click on the button makes."""
    button(app, "Write the file").click().run()
    assert not app.exception
    jobs_here()
    app.run()
    job = export_job.newest_job(datasets.get(dataset))
    assert job is not None
    path = export_job.exported_file(job)
    assert path is not None, job.error
    return path


@pytest.mark.parametrize("columns", COLUMNS)
def test_the_preview_is_what_the_file_has(columns: str, jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    app = exporting(template="alpaca")
    next(radio for radio in app.radio if radio.label == "Columns").set_value(columns).run()
    shown = json.loads(app.code[0].value)
    path = written(app, jobs_here)
    assert "347 rows written" in app.success[0].value
    first = json.loads(path.read_text().splitlines()[0])
    assert first == shown
    assert str(path) in words(app).replace("\\", "")


def test_a_folder_of_split_files_has_a_card(jobs_here: Callable[[], None]) -> None:
    seeds.samples()
    app = exporting()
    field(app, "As").set_value("split files and a card").run()
    field(app, "Licence").set_value("cc-by-4.0").run()
    assert written(app, jobs_here).suffix == ".zip"


def test_a_row_that_cannot_be_written_ends_it_or_is_left_out(tmp_path: Path, jobs_here: Callable[[], None]) -> None:
    rows = [{"instruction": "what is [INST]?", "output": "a tag"}, {"instruction": "hi", "output": "ho"}]
    import_source(str(write_lines(tmp_path / "tags.jsonl", rows)), "tags")
    app = exporting("tags", template="llama2")
    assert "it holds [INST]" in app.warning[0].value.replace("\\", ""), "the preview says so first"
    button(app, "Write the file").click().run()
    jobs_here()
    app.run()
    assert "Row 1" in app.error[0].value
    field(app, "Leave out rows that cannot be written, and count them").check().run()
    path = written(app, jobs_here, "tags")
    assert "1 row written, 1 left out" in app.success[0].value
    assert len(path.read_text().splitlines()) == 1


def test_ids_without_a_model_are_refused_before_the_export() -> None:
    seeds.samples()
    app = open_page("format", dataset="medical-terms", view="Export")
    next(radio for radio in app.radio if radio.label == "Columns").set_value("ids").run()
    assert "so name one" in words(app)
    button(app, "Write the file").click().run()
    assert not app.exception
    assert "ids are those of a model" in app.error[0].value


def test_an_id_that_the_hub_cannot_have_is_refused_at_once() -> None:
    seeds.samples()
    app = exporting()
    field(app, "Dataset on the Hub").set_value("no slash").run()
    button(app, "Write the file").click().run()
    assert "not the id of a dataset on the Hub" in app.error[0].value
    assert export_job.newest_job(datasets.get("medical-terms")) is None
