"""The dialogs that change many rows: what goes wrong in one is said in it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lib.data import datasets
from tests.app import seeds


def mend() -> None:
    from lib.data import datasets
    from lib.data.filters import Query
    from studio.components.curation import many

    many.mend(datasets.get("support-desk"), Query(), "short")


def mend_finding() -> None:
    from lib.data import datasets
    from lib.data.edits.operations import Operation
    from lib.data.lint import LintSettings
    from studio.components.curation import many

    settings = LintSettings("llama2", "no-such-model", 64, False).to_dict()
    kind = {"explanation": "It is odd.", "mend": "Mend it"}
    many.mend_finding(datasets.get("support-desk"), Operation("lint-mend", "too_long", settings), kind)


@pytest.mark.parametrize("dialog", [mend, mend_finding])
def test_what_cannot_be_done_is_said_with_its_remedy(dialog) -> None:
    seeds.samples()
    datasets.get("support-desk").rows_file.write_bytes(b"PAR1 cut off")
    app = AppTest.from_function(dialog, default_timeout=60).run()
    assert not app.exception
    (said,) = (error.value for error in app.error)
    assert "did not expect" not in said and "\n\n" in said
