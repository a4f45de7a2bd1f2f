"""Export of a dataset as rendered text, as a file to download."""

from __future__ import annotations

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.errors import StudioError
from lib.export.dataset import export_dataset
from lib.export.options import FORMATS, ExportOptions
from lib.settings import settings
from studio.components.errors import show


def export_box(info: DatasetInfo, template: str, tokenizer: str | None) -> None:
    """Choose a file format, write the file, offer it."""
    with st.expander("Export this dataset as text", icon=":material/download:"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            ending = st.segmented_control("File", [*FORMATS], default=".jsonl", required=True, key="export-ending")
            keep_good = st.checkbox(
                "Leave out rows that the template cannot carry", help="Otherwise such a row stops the export."
            )
        out = settings.home / "exports" / f"{info.name}-v{info.version}-{template}{ending}"
        if st.button("Write the file", key="export"):
            try:
                with st.spinner("Writing …"):
                    report = export_dataset(
                        info, ExportOptions(template=template, tokenizer=tokenizer, keep_good=keep_good), out
                    )
            except StudioError as error:
                show(error.message, error.hint)
                return
            left_out = f"; {report.left_out:,} left out" if report.left_out else ""
            st.success(f"{report.rows:,} rows written{left_out}.", icon=":material/check:")
            st.download_button(
                f"Download {out.name}", out.read_bytes, out.name, icon=":material/download:", on_click="ignore"
            )
