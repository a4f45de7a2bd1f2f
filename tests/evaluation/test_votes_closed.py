"""Blind votes that are closed: what they came to, and the files of them."""

from __future__ import annotations

import json

import pytest
from scipy.stats import binom

from lib.errors import BadInput
from lib.evaluation import votes
from lib.evaluation.votes.shuffling import BASE, TUNED
from lib.storage import comparison_dir
from tests.evaluation import stored
from tests.evaluation.balloting import BASE_NAME, TUNED_NAME, prefer

# After closing


def test_results_of_a_vote_that_tuned_wins(ballot):
    for index in range(12):
        for rater in ("bob", "eve", "sam"):
            prefer(ballot, rater, TUNED_NAME if index < 10 or rater == "sam" else BASE_NAME, index)
    votes.cast(ballot.id, "kim", ballot.rows[0], "skip", "cannot tell")
    seen = votes.pair(ballot.id, "kim", 0)
    found = votes.results(votes.close(ballot.id, "ada").id)
    assert (found.base, found.tuned, found.win.wins, found.win.losses) == (BASE_NAME, TUNED_NAME, 10, 2)
    assert found.win.rate == pytest.approx(10 / 12)
    assert (found.win.low, found.win.high) == pytest.approx((0.5520, 0.9530), abs=2e-4)  # Wilson, by hand
    assert found.win.p == pytest.approx(2 * sum(binom.pmf(k, 12, 0.5) for k in (10, 11, 12)))
    assert found.counts == {"base": 4, "tuned": 32, "tie": 0, "both_bad": 0, "skip": 1}
    assert found.share == pytest.approx((10 + 2 / 3) / 12) and found.share_low < found.share < found.share_high
    assert found.position.left + found.position.right == 36
    assert found.agreement.percent == pytest.approx((10 * 3 + 2) / 36)
    assert found.sentence.startswith(f"{found.tuned} is liked better: {found.tuned} was chosen most often on 10 of 12")
    assert [(rater.name, rater.votes, rater.skipped) for rater in found.raters] == [
        ("bob", 12, 0),
        ("eve", 12, 0),
        ("kim", 1, 1),
        ("sam", 12, 0),
    ]
    assert found.prompts[0].comments == (("kim", "cannot tell", TUNED if "short" in seen.left else BASE),)
    assert [prompt.majority for prompt in found.prompts] == ["tuned"] * 10 + ["base"] * 2
    json.dumps(found.to_dict(), allow_nan=False)


def test_results_of_nothing_and_of_ties(ballot):
    votes.close(ballot.id, "ada")
    empty = votes.results(ballot.id)
    assert empty.sentence == "No evidence: nobody voted." and empty.share is None and empty.agreement.alpha is None
    json.dumps(empty.to_dict(), allow_nan=False)
    votes.reopen(ballot.id, "ada")
    votes.cast(ballot.id, "bob", ballot.rows[0], "tie")
    votes.cast(ballot.id, "bob", ballot.rows[1], "both_bad")
    prefer(ballot, "bob", TUNED_NAME, 2)
    prefer(ballot, "eve", BASE_NAME, 2)
    found = votes.results(votes.close(ballot.id, "ada").id)
    assert (found.win.ties, found.win.split, found.win.both_bad, found.win.rate) == (1, 1, 1, None)
    assert found.sentence == "No evidence: of 3 questions none was decided (1 tie, 1 split, 1 both bad)."
    said = [prompt.majority for prompt in found.prompts if prompt.majority]
    assert sorted(said) == ["both_bad", "split", "tie"], "the headline counts what the table shows"


def test_no_majority_is_claimed_where_there_is_none(ballot):
    for index in range(6):
        prefer(ballot, "bob", TUNED_NAME if index < 3 else BASE_NAME, index)
    found = votes.results(votes.close(ballot.id, "ada").id)
    assert found.sentence.startswith("No evidence that people prefer one: each was chosen most often on 3 of 6 decided")
    assert found.sentence.endswith(f"Of all 6 votes for one of the two, 3 went to {TUNED_NAME}, 3 to {BASE_NAME}.")


def test_a_result_says_what_it_rests_on():
    made = stored.comparison(
        {BASE_NAME: ["a", "b", "same"], TUNED_NAME: ["x", "y", "same"]},
        **{f"ended|{BASE_NAME}": ["length", "length", "length"], f"ended|{TUNED_NAME}": ["length", "eos", "length"]},
    )
    ballot = votes.create(made, BASE_NAME, TUNED_NAME, "ada")
    for row, choice in zip(ballot.rows, ("left", "skip"), strict=True):
        votes.cast(ballot.id, "bob", row, choice)
    found = votes.results(votes.close(ballot.id, "ada").id)
    assert found.basis == [
        "Voted: bob 1 of 2, 1 skipped.",
        "Questions: 2 of sums@1 test; 1 more left out, where both answers are the same text.",
        f"Cut at the limit of 96 tokens: 2 of the 2 answers of {BASE_NAME}, 1 of {TUNED_NAME}.",
    ]
    document = found.to_dict()
    assert document["cut"] == {BASE_NAME: 2, TUNED_NAME: 1} and document["asked"] == "sums@1 test"


def test_how_many_were_cut_is_not_said_where_it_was_not_kept(ballot):
    found = votes.results(votes.close(ballot.id, "ada").id)
    assert found.cut is None and [line.partition(":")[0] for line in found.basis] == ["Voted", "Questions"]


def test_votes_for_one_place_are_seen_as_such():
    ballot = votes.create(stored.pairs(40), BASE_NAME, TUNED_NAME, "ada")
    for row in ballot.rows:
        votes.cast(ballot.id, "bob", row, "left")
    found = votes.results(votes.close(ballot.id, "ada").id)
    assert (found.position.left, found.position.right) == (40, 0)
    assert "lean to one side" in found.position.sentence
    assert found.win.verdict == "no evidence" or found.win.p > 1e-4


def test_a_lean_to_one_side_is_said_where_its_interval_leaves_out_one_half():
    for left, leans in (
        (15, False),
        (16, True),
    ):  # of 21: Wilson's interval of 15 leaves one half out, the test does not
        ballot = votes.create(stored.pairs(21), BASE_NAME, TUNED_NAME, "ada")
        for index, row in enumerate(ballot.rows):
            votes.cast(ballot.id, "bob", row, "left" if index < left else "right")
        found = votes.results(votes.close(ballot.id, "ada").id).position
        assert ("lean to one side" in found.sentence) == leans == (found.low > 0.5) == (found.p < 0.05)


# Files


def test_exports(ballot, tmp_path):
    prefer(ballot, "bob", TUNED_NAME, 0)
    prefer(ballot, "bob", BASE_NAME, 1)
    votes.cast(ballot.id, "bob", ballot.rows[2], "tie", "=HYPERLINK(1)")
    votes.close(ballot.id, "ada")
    assert [votes.write(ballot.id, kind, tmp_path / "deep" / kind) for kind in votes.EXPORTS] == [3, 3, 2, 2]
    table = (tmp_path / "deep" / "csv").read_text()
    assert table.splitlines()[0] == ",".join(
        ["ballot", "comparison", "row_id", "prompt", "rater", "choice", "chosen", "left", "comment", "at"]
    )
    assert '"\'=HYPERLINK(1)"' in table
    lines = [json.loads(line) for line in (tmp_path / "deep" / "jsonl").read_text().splitlines()]
    assert {line["chosen"] for line in lines} == {BASE_NAME, TUNED_NAME, ""}
    assert all(set(line["answers"]) == {BASE_NAME, TUNED_NAME} for line in lines)
    first, second = ballot.rows[:2]
    assert [json.loads(line) for line in votes.content(ballot.id, "dpo-text").splitlines()] == [
        {
            "prompt": f"Question {row}?",
            "chosen": f"A {good} answer to number {row}.",
            "rejected": f"A {bad} answer to number {row}.",
        }
        for row, good, bad in ((first, "short", "plain"), (second, "plain", "short"))
    ]
    with pytest.raises(BadInput, match="no export 'pdf'"):
        votes.write(ballot.id, "pdf", tmp_path / "x")


RUNS = ("merry-deer", "vivid-yak")


def voted_on_two_runs():
    """Two runs of one base, and no base among the two."""
    made = stored.comparison({"starter": ["b", "b"], RUNS[0]: ["one", "two"], RUNS[1]: ["eins", "zwei"]})
    ballot = votes.create(made, *RUNS, "ada")
    votes.cast(ballot.id, "bob", ballot.rows[0], "left", "better")
    votes.cast(ballot.id, "eve", ballot.rows[0], "right")
    votes.cast(ballot.id, "bob", ballot.rows[1], "both_bad")
    return votes.close(ballot.id, "ada")


def test_of_two_runs_none_is_called_base_or_tuned():
    ballot = voted_on_two_runs()
    found = votes.results(ballot.id)
    assert (found.bases, found.title("base"), found.title("tuned")) == ((), *RUNS)
    given_out = [votes.content(ballot.id, kind).decode() for kind in votes.EXPORTS]
    given_out += [json.dumps(found.to_dict()), found.sentence, *found.basis]
    for text in given_out:
        assert "tuned" not in text and '"base"' not in text
    lines = [json.loads(line) for line in votes.content(ballot.id, "jsonl").splitlines()]
    for line in lines:
        assert line["choice"] in ("left", "right", "both_bad")
        if line["choice"] == "both_bad":
            assert line["chosen"] == ""
        else:
            assert (line["chosen"] == line["left"]) == (line["choice"] == "left")


def test_a_base_is_called_so_wherever_it_stands():
    made = stored.pairs()
    for sides in ((BASE_NAME, TUNED_NAME), (TUNED_NAME, BASE_NAME)):
        found = votes.results(votes.close(votes.create(made, *sides, "ada").id, "ada").id)
        assert {found.title("base"), found.title("tuned")} == {f"base · {BASE_NAME}", TUNED_NAME}


def test_preference_pairs_are_what_trl_trains_on(tmp_path):
    from datasets import load_dataset
    from trl.data_utils import is_conversational

    made = stored.comparison({"a": ["long"], "b": ["short"]}, prompts=["Shown"], row_ids=[5])
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Shorten:", "context": "A text."},
        {"role": "assistant", "content": "A"},
        {"role": "user", "content": "Again"},
    ]
    (comparison_dir(made) / "questions.jsonl").write_text(json.dumps({"row_id": 5, "messages": turns}) + '\n{"row_')
    ballot = votes.create(made, "a", "b", "ada")
    pair = votes.pair(ballot.id, "bob", 0)
    votes.cast(ballot.id, "bob", 5, "left" if pair.left == "short" else "right")
    votes.close(ballot.id, "ada")
    votes.write(ballot.id, "dpo", tmp_path / "pairs.jsonl")
    (row,) = load_dataset("json", data_files=str(tmp_path / "pairs.jsonl"), split="train", cache_dir=str(tmp_path))
    assert is_conversational(row)
    assert row["prompt"][1] == {"role": "user", "content": "Shorten:\n\nA text."} and len(row["prompt"]) == 4
    assert row["chosen"] == [{"role": "assistant", "content": "short"}]
    assert row["rejected"] == [{"role": "assistant", "content": "long"}]


def test_a_vote_without_a_decided_prompt_exports_its_columns(ballot):
    votes.close(ballot.id, "ada")
    assert votes.content(ballot.id, "dpo") == b""
    assert votes.content(ballot.id, "csv").startswith(b"ballot,")
