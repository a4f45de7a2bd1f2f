"""Blind votes: what people see, what is kept, what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings, strategies
from scipy.stats import binom
from sqlalchemy import select

from lib.database import Vote, VoteChange, session
from lib.errors import BadInput, NotFound, StorageError, WrongState
from lib.evaluation import votes
from lib.evaluation.votes.shuffling import BASE, TUNED, left_side, to_seen, to_stored
from lib.storage import comparison_dir
from tests.evaluation import stored
from tests.evaluation.balloting import BASE_NAME, TUNED_NAME, prefer
from tests.helpers import python


def kept(table, ballot):
    with session() as opened:
        return list(opened.scalars(select(table).where(table.ballot_id == ballot.id).order_by(table.row_id)))


# What people see


@given(
    seed=strategies.integers(0, 2**31 - 1),
    rater=strategies.text(min_size=1, max_size=60).filter(lambda text: text.isprintable()),
    row=strategies.integers(0, 2**62),
    choice=strategies.sampled_from(list(votes.CHOICES)),
)
def test_a_vote_comes_back_as_it_was_cast(seed, rater, row, choice):
    left = left_side(seed, rater, row)
    assert left == left_side(seed, rater, row) and left in (BASE, TUNED)
    assert to_seen(to_stored(choice, left), left) == choice


@pytest.mark.parametrize("vary", ["seed", "rater", "row"])
def test_each_side_is_on_the_left_in_half_of_the_cases(vary):
    cases = {
        "seed": [left_side(number, "ada", 1) for number in range(2_000)],
        "rater": [left_side(7, f"person {number}", 1) for number in range(2_000)],
        "row": [left_side(7, "ada", number) for number in range(2_000)],
    }[vary]
    low, high = binom.interval(0.9999, len(cases), 0.5)
    assert low <= cases.count(BASE) <= high


def test_two_people_do_not_see_the_same_sides():
    same = sum(left_side(7, "ada", row) == left_side(7, "bob", row) for row in range(2_000))
    low, high = binom.interval(0.9999, 2_000, 0.5)
    assert low <= same <= high


def test_a_reload_shows_the_same_pair_and_the_texts_are_the_stored_ones(ballot):
    for index in range(ballot.total):
        pair = votes.pair(ballot.id, "bob", index)
        assert pair == votes.pair(ballot.id, "  bob ", index)
        assert {pair.left, pair.right} == {f"A {kind} answer to number {pair.row_id}." for kind in ("plain", "short")}
        assert pair.prompt == f"Question {pair.row_id}?"
    assert sorted(ballot.rows) == list(range(12)) and list(ballot.rows) != sorted(ballot.rows)


def test_nothing_that_is_given_out_before_closing_names_a_model(ballot):
    prefer(ballot, "bob", TUNED_NAME, 0)
    given_out = [
        ballot,
        votes.get(ballot.id),
        *votes.list_ballots(),
        votes.next_pair(ballot.id, "bob"),
        votes.pair(ballot.id, "bob", 0),
        votes.standing(ballot.id, "bob"),
        votes.progress(ballot.id),
        ballot.to_dict(),
    ]
    assert BASE_NAME not in repr(given_out) and TUNED_NAME not in repr(given_out)
    for closed_only in (votes.results, lambda id: votes.content(id, "csv"), lambda id: votes.content(id, "dpo")):
        with pytest.raises(WrongState, match="still open"):
            closed_only(ballot.id)


def test_the_next_pair_is_the_next_without_a_word(ballot):
    assert votes.next_pair(ballot.id, "bob").index == 0
    for index in (0, 2):
        votes.cast(ballot.id, "bob", ballot.rows[index], "skip")
    assert votes.next_pair(ballot.id, "bob").index == 1
    assert votes.next_pair(ballot.id, "bob", after=1).index == 3
    assert votes.next_pair(ballot.id, "bob", after=11).index == 1
    assert votes.next_pair(ballot.id, "eve").index == 0
    for row in ballot.rows:
        votes.cast(ballot.id, "bob", row, "tie")
    assert votes.next_pair(ballot.id, "bob") is None
    standing = votes.standing(ballot.id, "bob")
    assert (standing.done, standing.skipped) == (12, 0)


# What is kept


def test_one_current_vote_and_every_change(ballot):
    row = ballot.rows[3]
    for choice, comment in (("left", ""), ("left", ""), ("right", "on second thoughts"), ("both_bad", "")):
        votes.cast(ballot.id, "bob", row, choice, comment)
    left = left_side_of(ballot, "bob", row)
    other = TUNED if left == BASE else BASE
    (vote,) = kept(Vote, ballot)
    assert (vote.choice, vote.comment, vote.rater) == ("both_bad", "", "bob")
    changes = kept(VoteChange, ballot)
    assert [change.choice for change in changes] == [left, other, "both_bad"]
    assert {change.left for change in changes} == {left}
    assert votes.pair(ballot.id, "bob", 3).choice == "both_bad"


def left_side_of(ballot, rater, row):
    return TUNED if "short" in votes.pair(ballot.id, rater, ballot.rows.index(row)).left else BASE


def test_taking_back_goes_as_far_back_as_there_are_votes(ballot):
    first, second = ballot.rows[:2]
    for row, choice in ((first, "left"), (second, "tie"), (first, "right")):
        votes.cast(ballot.id, "bob", row, choice)
    votes.cast(ballot.id, "eve", second, "skip")
    seen = []
    while (row := votes.undo_last(ballot.id, "bob")) is not None:
        seen.append((row, votes.standing(ballot.id, "bob").choices[:2]))
    assert seen == [(first, ("left", "tie")), (second, ("left", "")), (first, ("", ""))]
    assert [(vote.rater, vote.choice) for vote in kept(Vote, ballot)] == [("eve", "skip")]
    assert len([change for change in kept(VoteChange, ballot) if change.rater == "bob"]) == 6
    votes.cast(ballot.id, "bob", first, "tie")
    assert votes.undo_last(ballot.id, "bob") == first and votes.undo_last(ballot.id, "bob") is None


@settings(max_examples=20, deadline=None)
@given(
    steps=strategies.lists(
        strategies.one_of(
            strategies.just("undo"), strategies.tuples(strategies.integers(0, 2), strategies.sampled_from(["a", "b"]))
        ),
        max_size=12,
    )
)
def test_taking_back_gives_the_state_before(tmp_path_factory, steps):
    """Against the plain way: a list of all states. Votes that return a pair to what it was are left out (see there)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("undo")))
        ballot = votes.create(stored.pairs(3), BASE_NAME, TUNED_NAME, "ada")
        states, said = [{}], 0
        for step in steps:
            if step == "undo":
                votes.undo_last(ballot.id, "bob")
                states = states[:-1] or states
            else:
                said += 1  # no two comments are the same
                votes.cast(ballot.id, "bob", ballot.rows[step[0]], "tie", f"{step[1]} {said}")
                states.append({**states[-1], ballot.rows[step[0]]: f"{step[1]} {said}"})
            assert {vote.row_id: vote.comment for vote in kept(Vote, ballot)} == states[-1]


def test_many_at_once_leave_one_vote_each_and_lose_nothing(ballot):
    def vote(number):
        votes.cast(ballot.id, f"person {number % 4}", ballot.rows[0], "tie", f"number {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(vote, range(40)))
    assert [vote.rater for vote in kept(Vote, ballot)] == [f"person {number}" for number in range(4)]
    assert sorted(change.comment for change in kept(VoteChange, ballot)) == sorted(f"number {n}" for n in range(40))


def test_processes_vote_at_once(ballot):
    code = (
        "import sys; from lib.evaluation import votes\n"
        "ballot = votes.get(sys.argv[1])\n"
        "for row in ballot.rows:\n    votes.cast(ballot.id, 'bob', row, 'tie', sys.argv[2])"
    )
    started = [python("-c", code, ballot.id, name) for name in ("one", "two")]
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert len(kept(Vote, ballot)) == 12 and len(kept(VoteChange, ballot)) == 24


# What is refused


def test_what_cannot_be_voted_on_is_refused():
    made = stored.pairs(3)
    for arguments, kind, match in [
        ((999, BASE_NAME, TUNED_NAME, "ada"), NotFound, "no comparison 999"),
        ((stored.comparison({"a": ["x"], "b": ["y"]}, status="running"), "a", "b", "ada"), WrongState, "no stored"),
        ((made, BASE_NAME, "nobody", "ada"), BadInput, "no answers of 'nobody'"),
        ((made, BASE_NAME, BASE_NAME, "ada"), BadInput, "both sides"),
        ((made, BASE_NAME, TUNED_NAME, " \0 "), BadInput, "needs a name"),
        ((stored.comparison({"a": ["x"], "b": ["x"]}), "a", "b", "ada"), BadInput, "1 row with the same answer twice"),
    ]:
        with pytest.raises(kind, match=match) as caught:
            votes.create(*arguments)
        assert caught.value.hint
    with pytest.raises(BadInput, match="no row 7"):
        votes.create(made, BASE_NAME, TUNED_NAME, "ada", rows=[1, 7])
    (comparison_dir(made) / "result.json").unlink()
    with pytest.raises(WrongState, match="no stored answers"):
        votes.create(made, BASE_NAME, TUNED_NAME, "ada")
    assert votes.list_ballots() == []


def test_a_closed_vote_takes_no_more_and_only_its_owner_closes_it(ballot):
    prefer(ballot, "bob", TUNED_NAME, 0)
    with pytest.raises(WrongState, match="ada started this vote"):
        votes.close(ballot.id, "bob")
    assert not votes.close(ballot.id, "ada").open
    for action in (
        lambda: votes.cast(ballot.id, "bob", ballot.rows[0], "tie"),
        lambda: votes.undo_last(ballot.id, "bob"),
    ):
        with pytest.raises(WrongState, match="closed"):
            action()
    assert votes.results(ballot.id).win.wins == 1
    assert votes.reopen(ballot.id, "ada").open
    votes.cast(ballot.id, "bob", ballot.rows[0], "tie")
    with pytest.raises(WrongState, match="still open"):
        votes.results(ballot.id)


def test_wrong_votes_and_links_are_refused(ballot):
    for action, kind, match in [
        (lambda: votes.cast(ballot.id, "bob", ballot.rows[0], "base"), BadInput, "'base' is no vote"),
        (lambda: votes.cast(ballot.id, "bob", 999, "tie"), NotFound, "Row 999"),
        (lambda: votes.cast(ballot.id, "", ballot.rows[0], "tie"), BadInput, "needs a name"),
        (lambda: votes.cast("nope", "bob", 1, "tie"), NotFound, "no vote 'nope'"),
        (lambda: votes.get("<script>"), NotFound, "no vote"),
        (lambda: votes.pair(ballot.id, "bob", 12), NotFound, "no pair 13"),
        (lambda: votes.pair(ballot.id, "bob", -1), NotFound, "no pair 0"),
    ]:
        with pytest.raises(kind, match=match) as caught:
            action()
        assert caught.value.hint


def test_equal_answers_and_leaked_rows_are_left_out_and_counted():
    made = stored.comparison(
        {"a": ["x", "same", "y", "z"], "b": ["1", "same", "2", "3"]},
        row_ids=[10, 20, 30, 2**40],
        leaked=["", "", "exact", ""],
    )
    found = votes.usable(made, "a", "b")
    assert (found.rows, found.same, found.leaked) == ((10, 2**40), (20,), (30,))
    assert sorted(votes.create(made, "a", "b", "ada").rows) == [10, 2**40]
    assert votes.create(made, "a", "b", "ada", rows=[10, 20]).rows == (10,)
    assert votes.create(made, "a", "b", "ada", limit=1).total == 1
    assert votes.sides(made) == ["a", "b"]


def test_an_answer_that_is_gone_is_named(ballot):
    (comparison_dir(ballot.comparison) / "outputs.parquet").write_bytes(b"cut off")
    with pytest.raises(StorageError, match="cannot be read"):
        votes.pair(ballot.id, "bob", 0)


def test_names_with_any_characters_and_odd_sides():
    names = ['a "quoted" | name.v1.2', "meta/llama.7b'; --"]
    made = stored.comparison({name: [f"text {number}"] for number, name in enumerate(names)})
    odd = votes.create(made, *names, "ada", question="Which\0 is kinder?")
    assert odd.question == "Which is kinder?"
    assert {votes.pair(odd.id, "b", 0).left, votes.pair(odd.id, "b", 0).right} == {"text 0", "text 1"}
    votes.cast(odd.id, " Zoë\u0308\n  von\tX " + "y" * 100, made - made, "tie", "half a character \ud83d and \0 nul")
    (rater,) = votes.progress(odd.id)
    assert rater.name.startswith("Zoë") and "von X" in rater.name and len(rater.name) == 60
    assert votes.known_rater(odd.id, rater.name.upper()).votes == 1
    assert votes.known_rater(odd.id, "somebody else") is None
    assert votes.pair(odd.id, rater.name, 0).comment == "half a character  and  nul"
