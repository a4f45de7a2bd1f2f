"""Train: choose data, model and settings, see what will happen, start."""

import streamlit as st

from lib.errors import StudioError
from lib.training import runs
from lib.words import counted
from studio import person
from studio.components import choose
from studio.components.errors import show
from studio.components.formatting.trust import warn_if_unchecked
from studio.components.frame import Place, chain_bar, empty_state, header
from studio.components.links import go
from studio.components.training.form import settings_form
from studio.components.training.model_box import is_here
from studio.components.training.plan_box import plan_box

header(
    "train", "Fine-tune a model on a dataset with LoRA: a small adapter beside the model, which itself stays as it is."
)
bar = st.container()
left, middle, right = st.columns(3)
with left:
    info = choose.dataset()
if info is None:
    empty_state("There is no dataset to train on yet.", "datasets", "Import one")
    st.stop()
with right:
    model = choose.model()
with middle:
    template = choose.template_for(model)
if not model:
    empty_state(
        "There is no model yet. `make setup` brings the starter; a folder or Hub id can be typed.", "home", "Home"
    )
    st.stop()
if not is_here(model):
    st.stop()
with bar:
    chain_bar(Place(dataset=info.ref, template=template))

form, plan = st.columns([3, 2], gap="medium")
with form:
    config = settings_form()
with plan:
    # Both above what will happen, which is longer than a screen.
    notice, start = st.container(), st.container()
    warn_if_unchecked(info, template, model, bool(config and config.escape_tags))
    ready = plan_box(info, model, template, config, notice)
    if ahead := runs.ahead():
        start.caption(f":material/schedule: {counted(ahead, 'job')} before it: it waits for the device.")
    if start.button("Start", type="primary", icon=":material/play_arrow:", disabled=not ready, width="stretch"):
        assert config is not None
        try:
            run = runs.create(info.ref, model, template, config, person.name())
        except StudioError as error:
            show(error.message, error.hint)
        else:
            go("runs", run=run.id)
