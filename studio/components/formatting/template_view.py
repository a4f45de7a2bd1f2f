"""A template of one's own: Jinja on the left, the row in hand as it writes it on the right, saved by name."""

from __future__ import annotations

import streamlit as st

from lib.data.mapping import read_conversation
from lib.errors import StudioError
from lib.formats import Segment, Template, saved
from lib.formats.custom import custom_template
from lib.formats.jinja import Program, TemplateFault, check_source
from studio import person, state
from studio.components.code_editor import Mark, edit_code, typed
from studio.components.errors import show
from studio.components.formatting.in_hand import all_rows, row_in_hand
from studio.components.formatting.look import Look
from studio.components.formatting.trust import CHECKED_UNASKED, show_trust, start_check
from studio.components.segments import legend, show_segments
from studio.components.text import escape

EXAMPLE = """\
{{- bos_token }}
{%- for message in messages %}
  {{- "### " + message.role | capitalize + ":\\n" }}
  {%- if message.role == "assistant" %}
    {%- generation %}
      {{- message.content + eos_token }}
    {%- endgeneration %}
  {%- else %}
    {{- message.content }}
  {%- endif %}
  {{- "\\n\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- "### Assistant:\\n" }}
{%- endif %}
"""
EXAMPLE_NAME, MODELS_OWN = "an example", "the chat template of "
EDITOR, START, NAME, NOTE = "template-editor", "template-start", "template-name", "template-note"
DRAFTS, EDITION, FAILED = "template-drafts", "template-edition", "template-not-saved"
HELP = """
Jinja, as chat templates of models are written in, with nothing of the machine in reach.

- `messages`: a list with `role` (`system`, `user`, `assistant`) and `content`.
- `add_generation_prompt`: true where the model is to answer; end with what comes before an answer then.
- `bos_token`, `eos_token`: the model's tokens that begin and end a text.
- `{% generation %}` … `{% endgeneration %}` stands round what the model learns. Without it, each answer is learned
  with the special token that ends it.
- `{{ raise_exception("why") }}` refuses a row, in your words.
"""


def show_template_view(look: Look) -> None:
    """Editor, preview, save; then whether the saved template brings all rows back."""
    starts = _starts(look)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        start = _start(look, starts)
        key = f"{EDITOR}-{start}-{st.session_state.get(EDITION, 0)}"
        source = typed(key, _drafts().get(start, starts[start]))
        faults = check_source(source)
        edit_code(source, "Template in Jinja", key, [Mark(fault.line, fault.column) for fault in faults])
        _drafts()[start] = source
        _show_faults(faults)
        _save_bar(look, start, key, source, faults)
        with st.expander("What a template is given", icon=":material/help:"):
            st.markdown(HELP)
    with right:
        _preview(look, source, faults)
        if start == look.template and source == starts[start]:
            st.markdown("**On all rows**")
            show_trust(look)


def _drafts() -> dict[str, str]:
    """What was typed, by what it began with: another view and back, and it is still there."""
    drafts: dict[str, str] = st.session_state.setdefault(DRAFTS, {})
    return drafts


def _starts(look: Look) -> dict[str, str]:
    """Sources to start from, by name."""
    starts = {template.name: template.source for template in saved.list_saved()}
    starts[EXAMPLE_NAME] = EXAMPLE
    if look.tokenizer is not None and look.tokenizer.chat is not None:
        starts[MODELS_OWN + look.model] = look.tokenizer.chat.source
    return starts


def _is_saved(start: str) -> bool:
    return start != EXAMPLE_NAME and not start.startswith(MODELS_OWN)


def _start(look: Look, starts: dict[str, str]) -> str:
    names = list(starts)
    if st.session_state.get(START) not in starts:
        st.session_state[START] = look.template if look.template in starts else EXAMPLE_NAME
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start = st.selectbox(
            "Start from",
            names,
            key=START,
            width=240,
            persist_state="session",
            help="A template that is saved here, the model's own, or an example.",
        )
        changed = start in _drafts() and _drafts()[start] != starts[start]
        if changed and st.button("Throw changes away", icon=":material/undo:", type="tertiary"):
            _drafts().pop(start)
            st.session_state[EDITION] = st.session_state.get(EDITION, 0) + 1  # a new field
            st.rerun()
        if _is_saved(start):
            _delete(start)
    return start


def _delete(name: str) -> None:
    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        st.markdown(f"Take **{escape(name)}** off the list? Runs that were made with it keep it.")
        if st.button("Delete it", type="primary"):
            saved.delete(name)
            _drafts().pop(name, None)
            if state.get("template") == name:
                state.forget("template")
            st.rerun()


def _show_faults(faults: list[TemplateFault]) -> None:
    if faults:
        listed = "\n".join(
            f"- line {fault.line}, column {fault.column}: {escape(fault.message)}" for fault in faults[:8]
        )
        st.error(f"The template cannot be used yet:\n\n{listed}", icon=":material/error:")


def _save_bar(look: Look, start: str, key: str, source: str, faults: list[TemplateFault]) -> None:
    if st.session_state.get("template-named-for") != start:
        st.session_state[NAME] = start if _is_saved(start) else ""
        st.session_state["template-named-for"] = start
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Save as",
            key=NAME,
            placeholder="support-style",
            width=200,
            persist_state="session",
            help="A name that is saved already gets a next version; runs keep theirs.",
        )
        st.text_input("Note", key=NOTE, placeholder="what it is for", width=220, persist_state="session")
        st.button(
            "Save and use",
            type="primary",
            icon=":material/save:",
            disabled=bool(faults),
            on_click=_save,
            args=(look, key, source),
            help="Saves it, chooses it on this page, and checks whether all rows come back.",
        )
    failure = st.session_state.pop(FAILED, None)
    if failure:
        show(*failure)
    elif not faults and not name.strip():
        st.caption("Give it a name to save it.")


def _save(look: Look, key: str, source: str) -> None:
    """Callback: what the page shows next goes by the saved template."""
    name, source = st.session_state[NAME].strip(), typed(key, source)  # with what was typed in the last moment
    try:
        if not name:
            raise StudioError("The template has no name yet.", "Write one under 'Save as'.")
        template = saved.save(name, source, person.name(), st.session_state[NOTE].strip())
    except StudioError as error:
        st.session_state[FAILED] = (error.message, error.hint)
        return
    for start in (st.session_state.get(START, ""), name):
        _drafts().pop(start, None)
    st.session_state[START] = st.session_state["template-named-for"] = name
    state.put("template", name)
    if look.info.rows <= CHECKED_UNASKED:
        start_check(look, name)
    st.toast(f"Saved as {escape(template.name)}.", icon=":material/save:")


def _preview(look: Look, source: str, faults: list[TemplateFault]) -> None:
    """The row in hand as the template writes it."""
    found = row_in_hand(all_rows(look))
    if found is None:
        st.info("Every row of this dataset is deleted.", icon=":material/delete:")
        return
    st.markdown(f"**Row {found[1].row_id}** as the template writes it")
    if faults:
        st.info("Mend the template to see the row.", icon=":material/build:")
        return
    template = custom_template("this template", source)
    try:
        conversation = read_conversation(found[1].values, look.copy.mapping)
        segments = look.render(conversation, template)
    except StudioError as error:
        st.warning(f"{escape(error.message)} {escape(error.hint)}", icon=":material/block:")
        return
    legend()
    show_segments(segments, key=f"preview-{look.info.ref}-{found[1].row_id}")
    _about(look, template, source, segments)


def _ends(segments: list[Segment]) -> bool:
    """Whether the last thing that is learned is a special token."""
    learned = [segment for segment in segments if segment.trained]
    return bool(learned) and learned[-1].special


def _about(look: Look, template: Template, source: str, segments: list[Segment]) -> None:
    """Tokens, where the mask comes from, whether it can be read back."""
    if look.tokenizer is not None:
        tokens = look.tokenizer.tokenize(segments)
        answer = sum(tokens.trained)
        st.markdown(f":small[prompt {len(tokens) - answer:,} · answer {answer:,} · **total {len(tokens):,} tokens**]")
    if Program.of(source, strict=True).has_blocks:
        st.caption("Learned: what stands in {% generation %}.")
    else:
        st.caption("Learned: each answer and what ends it, as there is no {% generation %}.")
    if not _ends(segments):
        st.warning(
            "No special token that is learned ends an answer: a model would not learn when to stop. "
            "Write eos_token behind each.",
            icon=":material/warning:",
        )
    if "add_generation_prompt" not in source:
        st.warning(
            "It does not ask add_generation_prompt: what stands between question and answer is learned as part "
            "of the answer. End with it where that is true.",
            icon=":material/warning:",
        )
    if template.parse is None:
        st.caption(":material/help: Text in this form cannot be read back: its layout could not be learned.")
