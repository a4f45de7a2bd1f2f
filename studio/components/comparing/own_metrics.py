"""Metrics of a team: checks written as rules, and folders of `evaluate`."""

from __future__ import annotations

import streamlit as st

from lib.errors import StudioError
from lib.evaluation.metrics import rules
from lib.evaluation.metrics.rule_rows import passes
from lib.evaluation.metrics.rules import Rule
from studio import person
from studio.components.comparing.metric_folders import show_folders
from studio.components.errors import show
from studio.components.text import escape

KINDS = {
    "contains": "contains all of these",
    "not_contains": "contains none of these",
    "equals": "is one of these",
    "regex": "matches a pattern",
    "json": "is JSON",
    "length": "has a certain length",
}


def show_own_metrics() -> None:
    """Rules with a form to write one, then folders."""
    found = rules.list_rules()
    st.caption("A rule is a check that each answer passes or fails; its figure is the share that passes.")
    with st.expander("Write a rule", icon=":material/add:", expanded=not found, key="rules-new"):
        _form()
    for rule in found:
        _line(rule)
    show_folders()


def _line(rule: Rule) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{rule.name}**", width="content")
        st.markdown(f":small[the answer {escape(rule.says)}]", width="content")
        st.markdown(f":small[:gray[{escape(rule.created_by)}]]", width="content")
        with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"rule-delete-{rule.name}"):
            st.markdown("Comparisons that were made with it keep their figures.")
            st.button("Delete for good", key=f"rule-delete-now-{rule.name}", on_click=_delete, args=(rule.name,))


def _form() -> None:
    left, right = st.columns(2)
    name = left.text_input("Name of the rule", key="rule-name", placeholder="in-plain-words")
    kind = right.selectbox("The answer", list(KINDS), format_func=KINDS.__getitem__, key="rule-kind")
    fields = _fields(kind)
    sample = st.text_area("Try it on an answer", key="rule-try", placeholder="Paste an answer: does it pass?")
    try:
        rule = Rule(name.strip() or "unnamed", kind, created_by=person.name(), **fields)  # type: ignore[arg-type]
    except StudioError as error:
        if name.strip() or sample:
            st.markdown(f":small[:red[:material/error: {escape(error.message)}]]")
        rule = None
    if rule is not None and sample:
        _try(rule, sample)
    st.button("Save the rule", type="primary", disabled=rule is None or not name.strip(), on_click=_save, args=(rule,))


def _fields(kind: str) -> dict[str, object]:
    """What a rule of this kind asks for."""
    if kind == "json":
        keys = st.text_input("Keys that it must have", key="rule-keys", placeholder="name, age; empty: any JSON")
        return {"keys": tuple(key.strip() for key in keys.split(",") if key.strip())}
    if kind == "length":
        unit, low, high = st.columns(3)
        return {
            "unit": unit.selectbox("Counted in", ["words", "characters"], key="rule-unit"),
            "low": low.number_input("Fewest", 0, None, None, key="rule-low", placeholder="no limit"),
            "high": high.number_input("Most", 0, None, None, key="rule-high", placeholder="no limit"),
        }
    case = st.checkbox("Whatever the case", key="rule-case")
    if kind == "regex":
        return {"pattern": st.text_input("Pattern", key="rule-pattern", placeholder=r"\d+ mg"), "ignore_case": case}
    texts = st.text_area("Texts, one a line", key="rule-texts", placeholder="in plain words")
    return {"texts": tuple(line for line in texts.splitlines() if line.strip()), "ignore_case": case}


def _try(rule: Rule, sample: str) -> None:
    try:
        passed = passes(rule, sample)
    except TimeoutError as error:
        st.markdown(f":orange[:material/timer_off:] {escape(str(error))}")
        return
    word = ":green[:material/check: passes]" if passed else ":red[:material/close: fails]"
    st.markdown(f"{word} :small[the answer {escape(rule.says)}]")


def _save(rule: Rule) -> None:
    try:
        rules.save_rule(rule, person.name())
    except StudioError as error:
        show(error.message, error.hint)
        return
    st.session_state["rule-name"] = ""
    st.toast(f"The rule {rule.name} is saved: it is among the metrics now.", icon=":material/check:")


def _delete(name: str) -> None:
    try:
        rules.delete_rule(name)
    except StudioError as error:
        show(error.message, error.hint)
