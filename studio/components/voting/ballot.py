"""One vote: asking who votes, voting, what its owner can do, and the result once it is closed."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from lib.errors import StudioError
from lib.evaluation import votes
from lib.evaluation.votes import BallotView
from lib.words import counted
from studio import person
from studio.components.errors import guarded, show
from studio.components.links import link
from studio.components.text import escape, moment
from studio.components.voting.booth import show_booth
from studio.components.voting.browser import keep_rater, listen, rater, vote_as
from studio.components.voting.listed import state_badge
from studio.components.voting.result import show_result

LOOK_AGAIN = "3s"
"""How often an open page looks whether the vote was closed."""


def show_ballot(ballot: BallotView) -> None:
    """Draw the page of one vote. Until it is closed nothing on it names a model."""
    with st.container(horizontal=True, vertical_alignment="center"):
        link("vote", "All votes", icon=":material/arrow_back:")
        state_badge(ballot)
        started = f"started by {ballot.created_by}, {moment(ballot.created_at)}"
        st.markdown(f":small[{counted(ballot.total, 'pair')} · {escape(started)}]", width="content")
    st.header(escape(ballot.question), anchor=False)
    owner = person.known() == ballot.created_by
    if not ballot.open:
        show_result(ballot, owner)
        return
    if owner:
        _manage(ballot)
    name = rater(ballot.id)
    if name:
        show_booth(ballot, name)
    else:
        _ask_name(ballot)
    keep_rater(ballot.id)  # what draws nothing comes last: it takes room all the same
    listen()
    if not owner:
        _watch(ballot.id)


def _ask_name(ballot: BallotView) -> None:
    with st.form("voter", border=True):
        given = st.text_input(
            "Your name",
            value=person.known(),
            max_chars=person.LENGTH,
            key="voter-name",
            help="Your votes are counted under it. Whoever started the vote sees how many you cast.",
        )
        st.caption("You see a question and two answers, A and B. Which model wrote which is told when the vote closes.")
        asked = st.form_submit_button("Start voting", type="primary", icon=":material/how_to_vote:")
    slot = f"voter-asked-{ballot.id}"
    if asked:
        st.session_state[slot] = given
    if slot in st.session_state and _admit(ballot, st.session_state[slot]):
        del st.session_state[slot]
        st.rerun()


def _admit(ballot: BallotView, given: str) -> bool:
    """Whether a person may vote under a name; where it has votes already they are asked whether these are theirs."""
    try:
        name, before = votes.clean_name(given), votes.known_rater(ballot.id, given)
    except StudioError as error:
        show(error.message, error.hint)
        return False
    if before is not None:
        words = f"{before.votes:,} of {counted(ballot.total, 'pair')}"
        st.warning(f"{escape(before.name)} has voted on {words} here already.", icon=":material/group:")
        st.caption("If that was you, go on with them. If you are somebody else, give another name above.")
        if not st.button("Go on with these votes", icon=":material/arrow_forward:"):
            return False
        name = before.name
    vote_as(ballot.id, name)
    if not person.known():
        person.give(name)
    return True


def _manage(ballot: BallotView) -> None:
    voting = bool(rater(ballot.id))  # then the pair comes first
    with st.expander("You started this vote: link, progress, close", icon=":material/key:", expanded=not voting):
        st.caption("Send this link to those who shall vote.")
        st.code(_address(ballot), language=None, wrap_lines=True)
        _say_if_private()
        _progress(ballot)
        with st.popover("Close the vote", icon=":material/lock:"):
            st.markdown(
                "Nobody can vote any more, and everybody with the link sees the result and the models' names. "
                "You can open it again, but whoever has seen the result is not blind any more."
            )
            if st.button("Close it now", type="primary", key="close-vote"):
                votes.close(ballot.id, person.known())
                st.rerun()


def _say_if_private() -> None:
    """The address line of whoever started the vote may be one that nobody else can open."""
    address = urlsplit(st.context.url or "")
    if address.hostname in ("localhost", "127.0.0.1"):
        port = f" PORT={address.port}" if address.port else ""
        st.caption(
            ":material/info: This address opens on this machine only. For others start the studio with "
            f"`make run HOST=0.0.0.0{port}`, on a network that you trust: there is no sign-in. Then send the link with "
            "this machine's name in it."
        )


@st.fragment(run_every=LOOK_AGAIN)
@guarded
def _progress(ballot: BallotView) -> None:
    """How many pairs each person has voted on; who leads is told only after closing."""
    _leave_when_closed(ballot.id)
    people = votes.progress(ballot.id)
    if not people:
        st.caption("Nobody has voted yet.")
    for one in people:
        st.progress(min(one.votes / ballot.total, 1.0), f"{escape(one.name)}: {one.of(ballot.total)}")


@st.fragment(run_every=LOOK_AGAIN)
@guarded
def _watch(ballot_id: str) -> None:
    """Draws nothing; brings the result when the vote is closed elsewhere."""
    _leave_when_closed(ballot_id)


def _leave_when_closed(ballot_id: str) -> None:
    if not votes.get(ballot_id).open:
        st.rerun()


def _address(ballot: BallotView) -> str:
    """The link as the browser's address line would show it."""
    return f"{(st.context.url or 'vote').partition('?')[0]}?ballot={ballot.id}"
