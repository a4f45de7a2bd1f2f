"""A finished comparison as a job would have left it: its row, its outputs, its result. No model is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lib.database import Comparison, session
from lib.jobs import queue
from lib.storage import comparison_dir, write_json
from tests.helpers import write_lines


def comparison(
    answers: Mapping[str, Sequence[str]],
    prompts: Sequence[str] | None = None,
    row_ids: Sequence[int] | None = None,
    status: str = "finished",
    **columns: Sequence[Any],
) -> int:
    """Store one with these answers by model; its number. `columns` go into the outputs as they are."""
    rows = len(next(iter(answers.values())))
    prompts = prompts or [f"Question {number}?" for number in range(rows)]
    row_ids = row_ids or list(range(rows))
    with session() as opened:
        job = queue.new_job("compare", {}, "tester")
        job.status = status
        opened.add(job)
        opened.flush()
        _, *runs = answers
        row = Comparison(
            job_id=job.id, runs=runs, dataset="sums", version=1, split="test", config={"sides": []}, created_by="tester"
        )
        opened.add(row)
        opened.flush()
        number = row.id
    table = {
        "row_id": row_ids,
        "prompt": prompts,
        "reference": ["A reference."] * rows,
        **{f"text|{name}": list(texts) for name, texts in answers.items()},
        **columns,
    }
    folder = comparison_dir(number)
    folder.mkdir(parents=True)
    asked = [
        {"row_id": row_id, "messages": [{"role": "user", "content": prompt}], "reference": "A reference."}
        for row_id, prompt in zip(row_ids, prompts, strict=True)
    ]
    write_lines(folder / "questions.jsonl", asked)
    pq.write_table(pa.table(table), folder / "outputs.parquet")
    write_json(folder / "result.json", {"models": {name: {} for name in answers}, "pairs": [], "rows": rows})
    return number


def pairs(rows: int = 12, base: str = "starter", tuned: str = "gentle-otter") -> int:
    """Two sides that answer every question differently, with nothing in the texts that names them."""
    return comparison(
        {
            base: [f"A plain answer to number {row}." for row in range(rows)],
            tuned: [f"A short answer to number {row}." for row in range(rows)],
        }
    )
