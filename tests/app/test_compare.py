"""The Compare page: the list, a new comparison, one with its figures, slices, examples and history."""

from __future__ import annotations

import shlex

import pytest

from lib.data import datasets
from lib.evaluation import comparisons, lengths, prompt_sets
from lib.evaluation.metrics import rules
from lib.evaluation.pace import Pace
from lib.storage import comparison_dir, read_json, write_json
from studio.components.comparing.begin import LEAST, MOST, begin
from studio.components.comparing.draft import LIKE_THE_RUN, Draft
from studio.components.comparing.figures import plainly
from studio.components.text import escape
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words
from tests.evaluation import stored


def two_runs() -> tuple[str, str]:
    """Two finished runs, a comparison of each, and one of both."""
    seeds.samples()
    seeds.model()
    first, second = seeds.run("finished"), seeds.run("finished")
    seeds.comparison(first)
    seeds.comparison(second, metrics=("chrf", "rougeL"))
    seeds.comparison(first, 12, [second])
    return first.id, second.id


def test_runs_without_an_adapter_are_not_offered() -> None:
    seeds.samples()
    seeds.model()
    failed = seeds.run("failed")
    assert "Nothing to compare yet" in words(open_page("compare"))
    seeds.run("finished")
    app = open_page("compare", run=failed.id)
    assert not app.exception
    assert "has no adapter to compare" in app.warning[0].value


def test_the_list_has_what_was_asked_and_what_came_out() -> None:
    first, second = two_runs()
    comparisons.create([first], None, "train", comparisons.CompareConfig(), "ann")
    app = open_page("compare")
    assert not app.exception
    shown = words(app)
    for text in ("medical-terms@1 test, 12 rows", "finished", "queued", "better", "ann, just now"):
        assert text.replace("-", "\\-") in shown or text in shown
    found = open_page("compare", find=f"{second} finished")
    assert "2 comparisons of 4" in words(found)
    assert "No comparison has all of these words" in words(open_page("compare", find="nonesuch"))


def test_an_unknown_comparison_in_the_address_is_said() -> None:
    seeds.full()
    for number in ("999", "x", "<script>"):
        app = open_page("compare", comparison=number)
        assert not app.exception
        assert "There is no comparison" in words(app)


def test_a_comparison_shows_verdict_figures_and_why_to_trust_it() -> None:
    view = seeds.full()
    app = open_page("compare", comparison="1")
    assert not app.exception
    shown = words(app)
    for text in (
        "Tuned is better on",
        "What this rests on: 11 of 12 questions count · 1 leaked (left out)",
        "better / same / worse",
        "▲ better",
        "Question by question",
        "give away 1 of the 12 questions",
        "said nothing on 1 of 12 questions",
        "Blind vote",
    ):
        assert text in shown, text
    assert f"{view.id.replace('-', chr(92) + '-')} against starter on" in shown
    for opened in ("compare-trust", "compare-words"):
        app.session_state[opened] = True
    app.run()
    assert not app.exception
    shown = words(app)
    for text in (
        "weighs the words it could say next differently",
        "The training rows of",
        "adadadadadadadad",
        "3 seeds",
        "sacrebleu",
        "tuned is better by",
    ):
        assert text in shown, text


def test_beside_the_verdict_stand_the_caution_and_answers_to_read() -> None:
    view = seeds.full()
    app = open_page("compare", comparison="1")
    told = words(app)
    assert told.index("Verdict:") < told.index(f"tuned · {escape(view.id)}") < told.index("What this rests on")
    assert "Is the tuned model" in told
    asked = {app.text[0].value}
    for _ in range(11):
        button(app, "Read another").click().run()
        assert not app.exception
        asked.add(app.text[0].value)
    assert len(asked) == 12, "each question once"


def test_the_form_begins_with_room_for_the_references_and_with_rows_that_take_minutes() -> None:
    seeds.samples()
    seeds.model()
    run = seeds.run("finished")
    draft = Draft((run.id,), data="medical-terms@1", split="test")
    first = begin(draft)
    assert first.needed == lengths.room(datasets.get("medical-terms"), "test", "starter")
    assert first.tokens == min(max(first.needed, LEAST), MOST)
    app = open_page("compare", run=run.id)
    assert (field(app, "Rows at most").value, field(app, "New tokens at most").value) == (first.rows, first.tokens)
    assert f"Answers are cut at {first.tokens} tokens" in words(app)
    assert "nine in ten reference answers fit in that" in words(app)
    field(app, "Rows at most").set_value(7)
    field(app, "New tokens at most").set_value(8)
    app.run()
    assert f"need up to {first.needed}: longer answers are cut" in words(app)
    next(box for box in app.checkbox if box.label == "Their base too").uncheck().run()
    assert (field(app, "Rows at most").value, field(app, "New tokens at most").value) == (7, 8), "what was typed stays"


def test_of_slow_answers_fewer_are_asked(monkeypatch) -> None:
    seeds.samples()
    seeds.model()
    draft = Draft((seeds.run("finished").id,), data="medical-terms@1", split="test")
    for a_row, rows in ((1.0, 60), (6.0, 30), (100.0, 20)):
        monkeypatch.setattr(Draft, "pace", lambda self, each=a_row: Pace(each * self.settings["limit"], "a test"))
        assert begin(draft).rows == rows
    monkeypatch.setattr(Draft, "pace", lambda self: None)
    assert begin(draft).rows == 60


def test_one_figure_says_what_chance_would_do() -> None:
    seeds.full()
    view = comparisons.get(1)
    found = next(pair for pair in view.result["pairs"] if pair["verdict"] == "tuned better")
    found |= {"p": 0.004, "p_holm": 0.0114}
    told = plainly(view, found["tuned"])
    assert told.endswith("would come up in about 11 of 1,000 comparisons (p 0.011)."), told
    found |= {"p_holm": 0.0002}
    assert plainly(view, found["tuned"]).endswith("in less than one of 1,000 comparisons (p < 0.001).")


def test_several_tuned_sides_are_shown_together_or_one_by_one() -> None:
    first, second = two_runs()
    app = open_page("compare", comparison="3")
    assert not app.exception
    assert "its figure" in words(app)
    one = open_page("compare", comparison="3", side=second)
    assert "its figure" not in words(one)
    assert f"tuned · {first}".replace("-", "\\-") in words(one)  # examples keep all answers


def test_one_run_is_measured_against_the_other() -> None:
    first, second = two_runs()
    app = open_page("compare", comparison="3", base=second)
    assert not app.exception
    told = f"starter and {first} against {second} on".replace("-", "\\-")
    assert app.header[0].value.startswith(told), app.header[0].value
    assert "**Verdict:** starter is worse on 3 of 4 metrics" in words(app)
    assert f"against {second}".replace("-", "\\-") in words(app) and field(app, "Measured against").value == second
    field(app, "Measured against").select("starter").run()
    assert app.header[0].value.startswith(f"{first} and {second} against starter".replace("-", "\\-"))


def test_slices_have_figures_of_their_own_and_lead_to_examples() -> None:
    seeds.full()
    app = open_page("compare", comparison="1", part="Slices")
    assert not app.exception
    for way in field(app, "Group by").options:
        field(app, "Group by").select(way).run()
        assert not app.exception
    assert "p is corrected for how many groups there are" in words(app)
    app = open_page("compare", comparison="1", by="prompt length")
    field(app, "Group").select_index(1).run()
    assert not app.exception
    assert "of 12 rows" in words(app) and "12 of 12 rows" not in words(app)


def test_examples_are_ordered_filtered_and_searched() -> None:
    seeds.full()
    app = open_page("compare", comparison="1")
    assert "Answer 4 of $5, with *stars*." in words(app)  # a regression: worst first
    for label in ("Order", "Metric", "Outcome", "Trained on"):
        for option in field(app, label).options:
            field(app, label).select(option).run()
            assert not app.exception and not app.error
    assert "1 of 12 rows" in words(open_page("compare", comparison="1", leaked="yes"))
    assert "1 of 12 rows" in words(open_page("compare", comparison="1", outcome="lost"))
    assert "No row is so" in words(open_page("compare", comparison="1", find="nonesuch"))
    assert "12 of 12 rows" in words(open_page("compare", comparison="1", page="77"))


def test_a_lost_example_leads_to_the_nearest_training_rows() -> None:
    seeds.full()
    app = open_page("compare", comparison="1")
    button(app, "Nearest training rows").click().run()
    assert not app.exception
    shown = words(app)
    assert "was trained on" in shown and "% alike" in shown
    button(app, "Hide the training rows").click().run()
    assert "% alike" not in words(app)


def test_two_comparisons_are_held_against_each_other() -> None:
    two_runs()
    app = open_page("compare", comparison="1", part="Another comparison")
    assert not app.exception
    assert "12 questions in common" in words(app)
    field(app, "The other comparison").select_index(1).run()
    assert not app.exception
    assert "Differences are comparison 2 less comparison 1" in words(app)
    assert "metrics" in words(app)


def test_what_was_stored_without_figures_can_be_read() -> None:
    number = stored.pairs()
    app = open_page("compare", comparison=str(number))
    assert not app.exception
    assert "It has no figures" in words(app) and "A plain answer to number 3." in words(app)


@pytest.mark.parametrize("status", ["failed", "interrupted", "stopped"])
def test_what_ended_early_can_be_resumed(status: str) -> None:
    seeds.samples()
    seeds.model()
    run = seeds.run("finished")
    made = comparisons.create([run.id], None, "test", comparisons.CompareConfig(limit=8), "ann")
    seeds._set_job(made.job.id, status=status, error=seeds.MEMORY)
    app = open_page("compare", comparison=str(made.id))
    assert "Memory ran out" in words(app)
    button(app, "Resume").click().run()
    assert not app.exception
    assert "Waiting for its turn" in words(app)


def test_compare_queues_a_comparison_and_shows_it() -> None:
    seeds.samples()
    seeds.model()
    view = seeds.run("finished")
    app = open_page("compare", run=view.id)
    field(app, "Rows at most").set_value(8).run()
    command = shlex.split(app.code[0].value)
    assert command[0].startswith("STUDIO_HOME=") and command[4:] == [
        "compare",
        view.id,
        "--data",
        "medical-terms@1",
        "--split",
        "test",
        "--limit",
        "8",
        "--max-new-tokens",
        str(field(app, "New tokens at most").value),
    ]
    assert "About " in words(app) and "going by how fast" in words(app)
    button(app, "Compare").click().run()
    assert not app.exception
    (made,) = comparisons.list_comparisons()
    assert (made.split, made.config["limit"], made.status) == ("test", 8, "queued")
    app = open_page("compare", comparison=str(made.id))
    assert "Waiting for its turn" in words(app)
    button(app, "Stop and keep").click().run()
    assert not app.exception
    assert comparisons.get(made.id).status == "stopped"


def test_faults_stand_beside_their_fields() -> None:
    seeds.samples()
    seeds.model()
    view = seeds.run("finished")
    app = open_page("compare", run=view.id)
    field(app, "Their base too").uncheck().run()
    app.multiselect(key="new-metrics").set_value([]).run()
    shown = words(app)
    assert "needs two sides" in shown and "must name at least one" in shown
    assert button(app, "Compare").disabled


def test_a_prompt_set_and_other_models_can_be_asked() -> None:
    seeds.samples()
    seeds.model()
    seeds.model("second")
    run = seeds.run("finished")
    prompt_sets.add("smoke", [{"role": "user", "content": "Hi?"}], user="ann")
    app = open_page("compare", asked="smoke")
    app.multiselect(key="new-models").set_value(["second"]).run()
    assert not app.exception
    button(app, "Compare").click().run()
    assert not app.exception and not app.error
    (made,) = comparisons.list_comparisons()
    assert made.asked == "prompt set smoke" and made.sides == ["starter", run.id, "second"]


def test_a_draft_is_the_same_as_its_command() -> None:
    draft = Draft(
        ("a",),
        False,
        {"m": LIKE_THE_RUN, "n": "chatml"},
        prompt_set="smoke",
        settings={"limit": 0, "temperature": 0.7, "repeats": 3, "system": "Be short.", "metrics": ("rule:plain",)},
    )
    assert draft.faults() == {}
    assert draft.command() == (
        "python -m studio compare a --model m --model n=chatml --no-base --prompts smoke --temperature 0.7 "
        "--repeats 3 --system 'Be short.' --metric rule:plain"
    )
    assert set(Draft(settings={"top_p": 0}).faults()) == {"who", "data", "top_p"}


def test_a_note_is_kept_and_a_comparison_deleted() -> None:
    seeds.full()
    app = open_page("compare", comparison="1")
    field(app, "Note").set_value("Wrong *template*.").run()
    button(app, "Keep it").click().run()
    assert comparisons.get(1).note == "Wrong *template*."
    assert "Wrong \\*template\\*\\." in words(app) or "Wrong \\*template\\*." in words(app)
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert comparisons.list_comparisons() == []


def test_prompt_sets_are_made_read_renamed_and_deleted() -> None:
    app = open_page("compare", view="prompt sets")
    app.segmented_control(key="sets-way").set_value("one by hand").run()
    field(app, "Question").set_value("What is *a* bursa?")
    field(app, "Right answer").set_value("A sac.")
    field(app, "Name of the set").set_value("smoke").run()
    button(app, "Add the prompt").click().run()
    assert not app.exception and not app.error
    app = open_page("compare", view="prompt sets", set="smoke")
    assert "What is *a* bursa?" in texts(app, "text")
    field(app, "New name").set_value("terms").run()
    button(app, "Rename it").click().run()
    assert [one.name for one in prompt_sets.list_sets()] == ["terms"]
    app = open_page("compare", view="prompt sets", set="terms")
    button(app, "Make it").click().run()
    assert "It is there" in words(app)
    button(app, "Delete for good").click().run()
    assert prompt_sets.list_sets() == []


def test_a_file_of_prompts_becomes_a_set() -> None:
    app = open_page("compare", view="prompt sets")
    app.file_uploader[0].upload("My prompts.csv", b"prompt,reference\nHi?,Hello.\n,\n", "text/csv").run()
    button(app, "Add the file").click().run()
    assert not app.exception and not app.error
    (made,) = prompt_sets.list_sets()
    assert (made.name, made.prompts, made.with_reference) == ("my-prompts", 1, 1)


def test_a_rule_is_tried_saved_and_deleted() -> None:
    app = open_page("compare", view="rules")
    field(app, "Name of the rule").set_value("plain").run()
    field(app, "Texts, one a line").set_value("in plain words").run()
    field(app, "Try it on an answer").set_value("In other words").run()
    assert "fails" in words(app)
    field(app, "The answer").select("regex").run()
    field(app, "Pattern").set_value("(").run()
    assert "has a fault" in words(app) and button(app, "Save the rule").disabled
    field(app, "Pattern").set_value("plain").run()
    button(app, "Save the rule").click().run()
    assert not app.exception
    assert [rule.says for rule in rules.list_rules()] == ["matches /plain/"]
    button(app, "Delete for good").click().run()
    assert rules.list_rules() == []


def test_a_metric_folder_is_added_by_its_path(tmp_path) -> None:
    folder = tmp_path / "polite"
    folder.mkdir()
    (folder / "polite.py").write_text("import evaluate\n")
    app = open_page("compare", view="rules")
    field(app, "Folder on this machine").set_value(str(folder)).run()
    button(app, "Add the folder").click().run()
    assert "not said of this metric" in words(app)
    field(app, "Direction").select("higher is better")
    field(app, "Lowest figure").set_value(0.0).run()
    button(app, "Add the folder").click().run()
    assert not app.exception and not app.error
    assert "polite" in words(app)
    button(app, "Remove it").click().run()
    assert "can be used beside the others" in words(app)


def test_where_many_answers_were_cut_the_same_is_asked_again_with_room() -> None:
    view = seeds.full()
    result = comparison_dir(1) / "result.json"
    stored_result = read_json(result)
    write_json(result, {**stored_result, "cut": {"starter": 1, view.id: 1}})
    assert not [one for one in open_page("compare", comparison="1").button if one.label.startswith("Ask again")]
    write_json(result, {**stored_result, "cut": {"starter": 10, view.id: 3}, "circling": {"starter": 2}})
    app = open_page("compare", comparison="1")
    assert "Going round in circles: starter 2." in words(app)
    button(app, "Ask again for up to 192 tokens").click().run()
    assert not app.exception
    again = comparisons.list_comparisons()[0]
    assert (again.id, again.status, again.settings.max_new_tokens) == (2, "queued", 192)
    before = comparisons.get(1)
    assert (again.who, again.asked, again.settings.limit) == (before.who, before.asked, before.settings.limit)


def test_nobody_asks_what_no_figure_answers() -> None:
    """Cut answers are said; "is it better?" only where something was found out."""
    view = seeds.full()
    result = comparison_dir(1) / "result.json"
    stored_result = read_json(result)
    write_json(result, {**stored_result, "cut": {view.id: 12}})
    assert "better than starter?" in words(open_page("compare", comparison="1"))
    pairs = [{**pair, "verdict": "no evidence"} for pair in stored_result["pairs"]]
    write_json(result, {**stored_result, "pairs": pairs, "cut": {view.id: 12}})
    shown = words(open_page("compare", comparison="1"))
    assert "better than starter?" not in shown and "ran into the length limit" in shown
