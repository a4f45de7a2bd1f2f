"""Choosing an object. Each choice lives in the address, so a link carries it, and survives a change of page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib import models
from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.errors import StudioError
from lib.formats import get_template, suited_template, template_names
from lib.training import runs
from lib.training.runs import RunView
from studio import state
from studio.components.text import escape

LITERAL_TOKENS = "none (literal tokens)"


def dataset(preferred: str = "medical-terms") -> DatasetInfo | None:
    """A dataset version; None when there are no datasets. A bare name in the address means its newest version."""
    infos = datasets.list_datasets()
    if not infos:
        return None
    options = [info.ref for info in infos]
    asked = state.get("dataset")
    if asked and asked not in options:
        try:
            asked = datasets.get(asked).ref
        except StudioError as error:
            st.warning(f"{escape(error.message)} Showing another one.", icon=":material/link_off:")
            state.forget("dataset")
        else:
            options += [asked] if asked not in options else []
            state.put("dataset", asked)
    default = next((info.ref for info in infos if info.name == preferred), options[0])
    chosen = select(
        "dataset",
        "Dataset",
        options,
        default,
        help="Name and version. A version never changes, so what was trained on can always be looked at again.",
    )
    return datasets.get(chosen)


def template(default: str = "llama2") -> str:
    """A template's name. A version that a run was made with can be asked for in the address, deleted or not."""
    names = template_names()
    asked = state.get("template")
    if asked and asked not in names:
        try:
            names.append(get_template(asked).name)
        except StudioError as error:
            st.warning(f"{escape(error.message)} Showing another one.", icon=":material/link_off:")
            state.forget("template")
    return select(
        "template",
        "Template",
        names,
        default,
        help="How a conversation is written as text for the model.",
        format_func=_labelled,
    )


def template_for(model: str | None) -> str:
    """`template`, beginning with the one that suits a model."""
    try:
        suited = suited_template(models.find(model).path) if model else "llama2"
    except StudioError:  # not here yet, or broken, which the page says elsewhere
        return template()
    if suited != "model" and state.get("template") == "model":
        st.warning(
            f"{escape(model or '')} has no template of its own. Showing another one.", icon=":material/link_off:"
        )
        state.forget("template")
    return template(suited)


def _labelled(name: str) -> str:
    """A template's name, which scripts use, with what it is."""
    label = get_template(name).label
    if label.startswith(name):  # one that was saved here, with its version
        return label
    return name if label.lower() == name else f"{name} · {label}"


def model() -> str | None:
    """A model's name; None when there is none yet. Other folders and Hub ids can be typed."""
    names = [model.name for model in models.list_models()]
    asked = state.get("model")
    if asked and asked not in names:
        names.append(asked)
    if not names:
        return None
    return select(
        "model",
        "Model",
        names,
        names[0],
        accept_new_options=True,
        help="The base to fine-tune: one of the models here, or type a folder or a Hub id (owner/name).",
    )


def tokenizer() -> str | None:
    """A model whose tokenizer is to be used, or None for the format's literal tokens."""
    names = [*(model.name for model in models.list_models()), LITERAL_TOKENS]
    chosen = select(
        "tokenizer",
        "Tokenizer",
        names,
        names[0],
        help="Whose special tokens are written, and what counts the tokens. Choose the model you will train.",
    )
    return None if chosen == LITERAL_TOKENS else chosen


def run() -> RunView | None:
    """A run that has an adapter; None when there is none."""
    views = {view.id: view for view in runs.list_runs() if view.has_adapter}
    if not views:
        return None
    asked = state.get("run")
    if asked and asked not in views:
        st.warning(
            f"The run {escape(asked)} has no adapter to compare. Showing another one.", icon=":material/link_off:"
        )
    chosen = select("run", "Run", list(views), next(iter(views)), help="The tuned model; its base is compared with it.")
    return views[chosen]


def select(key: state.Key, label: str, options: list[str], default: str, **more: Any) -> str:
    """A select box whose choice is in the address."""
    _, widget = state.choice(key, options, default)
    value: str = st.selectbox(label, options, key=widget, on_change=state.chosen, args=(key,), **more)
    state.put(key, value)
    return value
