"""Vote: people choose between two stored answers without knowing which model wrote which."""

import streamlit as st

from lib.errors import NotFound
from lib.evaluation import votes
from studio.components.errors import show
from studio.components.frame import header
from studio.components.links import link
from studio.components.voting.ballot import show_ballot
from studio.components.voting.listed import show_list

header("vote", "People choose between two answers without knowing which model wrote which.")

asked = st.query_params.get("ballot", "")
if asked:
    try:
        show_ballot(votes.get(asked))
    except NotFound as error:
        show(error.message, error.hint)
        link("vote", "All votes", icon=":material/arrow_back:")
else:
    show_list(votes.list_ballots(), st.query_params.get("comparison", ""))
