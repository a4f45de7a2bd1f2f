"""Who answers: the base of a run, a run, or another model, each asked in its own template. The address holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import streamlit as st

from lib import models
from lib.errors import StudioError
from lib.evaluation.sides import Side, base_side, model_side, run_side
from lib.formats import suited_template, template_names
from lib.training import runs
from lib.training.config import QUANTIZATIONS
from lib.training.runs import RunView
from studio import state
from studio.components.text import escape, template_words

MOST = 8
HELD = {"none": "in full precision", "nf4": "in 4 bits (NF4)", "int8": "in 8 bits"}
KINDS = {"base": "base", "run": "tuned", "model": "model"}
_SAFE = "|:/@"


@dataclass(frozen=True)
class Pane:
    """`key` names it in the address: `base:RUN`, `run:RUN` or `model:NAME|TEMPLATE|QUANTIZATION`.

    `side`: None where it cannot be asked; `fault` then says why.
    """

    key: str
    side: Side | None
    fault: StudioError | None = None

    @property
    def kind(self) -> str:
        return KINDS.get(self.key.partition(":")[0], "model")

    @property
    def name(self) -> str:
        """Of a run's package `gentle-otter, merged`."""
        name = self.side.name if self.side else self.key.partition(":")[2].partition("|")[0]
        *_, run, folder, kind = ("", "", "", *Path(name).parts)
        return f"{run}, {kind}" if folder == "packages" else name

    @property
    def asked(self) -> str:
        """How it is asked, in a few words."""
        if self.side is None:
            return ""
        held = "" if self.side.quantization == "none" else f" · {HELD[self.side.quantization]}"
        return f"{template_words(self.side.template)}{held}"


def chosen() -> list[Pane]:
    """The panes in the address; without any, those that a newcomer starts with. None where there is no model."""
    in_address = st.query_params.get("panes", "")
    linked = st.query_params.get("run", "")
    kept = "" if linked and not in_address else state.get("panes")
    keys = [unquote(key) for key in (in_address or kept).split(",") if key] or _first(linked)
    panes = [_pane(key) for key in dict.fromkeys(keys[:MOST])]
    if panes:
        _keep([pane.key for pane in panes])
    return panes


def _keep(keys: list[str]) -> None:
    state.put("panes", ",".join(quote(key, safe=_SAFE) for key in keys))


def _pane(key: str) -> Pane:
    try:
        return Pane(key, _side(key))
    except StudioError as error:
        return Pane(key, None, error)


def _side(key: str) -> Side:
    kind, _, rest = key.partition(":")
    if kind == "run":
        return run_side(rest)
    if kind == "base":
        return base_side(run_side(rest))
    name, template, quantization = (*rest.split("|"), "", "")[:3]
    return model_side(name, template, quantization or "none")


def _first(linked: str) -> list[str]:
    """A run and its base: the one that was linked to or is in hand, else the newest. Without a run, a model alone."""
    usable = _usable_runs()
    wanted = linked or state.get("run")
    if linked or usable:
        run = wanted if linked or wanted in usable else next(iter(usable))
        return [f"base:{run}", f"run:{run}"]
    return [_model_key(name) for name in _usable_models()[:1]]


def _usable_runs() -> dict[str, RunView]:
    return {view.id: view for view in runs.list_runs() if view.has_adapter}


def _usable_models() -> list[str]:
    return [model.name for model in models.list_models() if not model.problem]


def _model_key(name: str, template: str = "", quantization: str = "none") -> str:
    return f"model:{name}|{template or suited_template(models.find(name).path)}|{quantization}"


def place(panes: list[Pane]) -> tuple[str, str, str]:
    """Dataset, template and name of the first run among the panes, for the chain bar; empty where there is none."""
    for pane in panes:
        if pane.side and pane.side.run:
            view = runs.get(pane.side.run)
            return view.data_ref, view.template, view.id
    return "", "", ""


def show_bar(panes: list[Pane]) -> None:
    """Each pane with a button that takes it away, and a menu to add another."""
    for pane in panes:
        with st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center"):
            st.markdown(f"**{escape(pane.name)}** :small[:gray[{pane.kind}]]", width="content")
            st.button(
                "Remove",
                icon=":material/close:",
                type="tertiary",
                key=f"remove-{pane.key}",
                disabled=len(panes) == 1,
                on_click=_remove,
                args=([one.key for one in panes], pane.key),
                help=f"Ask {escape(pane.name)} no more. Its answers come back when you add it again.",
            )
    if len(panes) < MOST:
        with st.popover("Add", icon=":material/add:", help="Ask another run, base or model beside these"):
            _adding([pane.key for pane in panes])


def _remove(keys: list[str], key: str) -> None:
    _keep([one for one in keys if one != key])


def _adding(keys: list[str]) -> None:
    usable = _usable_runs()
    if usable:
        run = st.selectbox(
            "Run",
            list(usable),
            format_func=lambda name: f"{name} · {usable[name].model} · {template_words(usable[name].template)}",
            key="add-run",
            help="Asked in the template that it was trained in.",
        )
        with st.container(horizontal=True):
            for label, key in (("Add run", f"run:{run}"), ("Add its base", f"base:{run}")):
                st.button(label, disabled=key in keys, on_click=_keep, args=([*keys, key],), key=f"add-{label}")
    names = _usable_models()
    model = st.selectbox(
        "Model",
        names,
        accept_new_options=True,
        key="add-model",
        index=0 if names else None,
        help="One of the models here, a folder, or the id of one that was fetched from the Hub.",
    )
    template = st.selectbox(
        "Template",
        ["", *template_names()],
        format_func=lambda name: name or "its own chat template",
        key="add-template",
        help="How the conversation is written for it.",
    )
    held = st.selectbox(
        "Held",
        QUANTIZATIONS,
        format_func=HELD.__getitem__,
        key="add-held",
        help="Fewer bits need less memory and answer a little differently.",
    )
    key = f"model:{model}|{template or 'model'}|{held}"
    st.button("Add model", disabled=not model or key in keys, on_click=_keep, args=([*keys, key],), key="add-a-model")
