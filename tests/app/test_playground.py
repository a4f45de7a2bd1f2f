"""The Playground: who is asked, a conversation, what is said of answers, and what can be kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lib.data import datasets
from lib.errors import ModelError
from lib.evaluation import prompt_sets
from lib.inference.client import Ask
from lib.inference.talk import Answer
from studio.components.playground import held
from tests.app import seeds
from tests.app.screen import button, field, open_page, texts, words


class Engine:
    """Stands in for the engine: remembers what it was asked, and answers with each pane's model, run and question."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.script: Sequence[Any] = ()
        self.last = True

    def __call__(self, question: Ask) -> Iterator[list[Answer]]:
        self.asked.append(question)
        yield [Answer(note="2 before you in the queue") for _ in question.panes]
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            yield step
        if self.last:
            yield [_echo(pane) for pane in question.panes]


def _echo(pane: Any) -> Answer:
    return Answer(f"{pane['run'] or pane['model']} says {pane['messages'][-1]['content']}", "end", "", 5, 0.5, 9)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    fake = Engine()
    monkeypatch.setattr(held, "ask", fake)
    return fake


def ready() -> str:
    seeds.samples()
    seeds.model()
    return seeds.run("finished").id


def ask(app: AppTest, question: str) -> None:
    field(app, "Question").set_value(question)
    button(app, "Ask").click().run()
    assert not app.exception


def test_it_starts_with_a_run_its_base_and_a_held_out_question() -> None:
    run = ready()
    app = open_page("playground")
    assert not app.exception and not app.error
    assert field(app, "Question").value.startswith("Rewrite this note in plain English.")
    assert app.query_params["panes"] in (f"base:{run},run:{run}", [f"base:{run},run:{run}"])
    assert "starter" in words(app) and "llama2" in words(app)
    assert "greedy · 128 tokens" in words(app)


def test_without_a_run_the_model_alone_can_be_asked(engine: Engine) -> None:
    seeds.model()
    app = open_page("playground")
    ask(app, "Hi?")
    (pane,) = engine.asked[0].panes
    assert (pane["model"], pane["run"]) == ("starter", None)
    assert "starter says Hi?" in texts(app, "text")


def test_a_conversation_goes_on_with_each_panes_own_answers_and_can_be_changed(engine: Engine) -> None:
    run = ready()
    app = open_page("playground", run=run)
    ask(app, "First?")
    assert {"starter says First?", f"{run} says First?"} <= set(texts(app, "text"))
    assert "5 tokens · 10 tokens/s · ended by itself" in words(app)
    assert field(app, "Question").value == ""
    ask(app, "Second?")
    base, tuned = engine.asked[1].panes
    assert [message["content"] for message in base["messages"]] == ["First?", "starter says First?", "Second?"]
    assert tuned["messages"][1]["content"] == f"{run} says First?"
    assert (tuned["template"], tuned["run"], base["run"]) == ("llama2", run, None)

    app.button(key="edit-0").click().run()
    field(app, "Question").set_value("Other?")
    button(app, "Send again").click().run()
    assert [message["content"] for message in engine.asked[2].panes[0]["messages"]] == ["Other?"]
    shown = texts(app, "text")
    assert "starter says Other?" in shown and "Second?" not in shown
    button(app, "Start over").click().run()
    assert "The answer appears here." in words(app)


def test_settings_and_the_system_prompt_reach_the_engine(engine: Engine) -> None:
    ready()
    app = open_page("playground")
    field(app, "New tokens at most").set_value(32)
    app.slider(key="playground-temperature").set_value(0.7)
    app.text_area(key="playground-system-prompt").set_value("Be brief.")
    app.run()
    assert "temperature 0.7 · top-p 1 · seed 0 · 32 tokens" in words(app)
    ask(app, "Hi?")
    assert engine.asked[0].sampling == {"max_new_tokens": 32, "temperature": 0.7, "top_p": 1.0, "seed": 0}
    assert engine.asked[0].panes[0]["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_pane_that_cannot_answer_says_why_and_the_others_answer(engine: Engine) -> None:
    run = ready()
    refused = Answer(ended="refused", message="alpaca cannot carry two questions.", hint="Start over.")
    engine.script, engine.last = [[Answer("Yes", "length", "", 1, 0.1), refused]], False
    app = open_page("playground", run=run)
    ask(app, "Hi?")
    assert "alpaca cannot carry two questions" in app.error[0].value
    assert "Yes" in texts(app, "text") and "cut at the limit" in words(app)


def test_an_engine_that_goes_away_is_said_what_was_written_stays_and_asking_again_works(engine: Engine) -> None:
    run = ready()
    half = [Answer("Half an", tokens=2, seconds=0.5), Answer("Half", tokens=1, seconds=0.5)]
    engine.script = [half, ModelError("The engine went away while it answered.", "Ask again.")]
    app = open_page("playground", run=run)
    ask(app, "Hi?")
    assert "went away" in app.error[0].value
    assert "Half an" in texts(app, "text") and "stopped" in words(app)
    engine.script = ()
    button(app, "Ask again").click().run()
    assert not app.error and "starter says Hi?" in texts(app, "text")


def test_a_fault_that_nobody_foresaw_is_met_once(engine: Engine) -> None:
    app = open_page("playground", run=ready())
    engine.script = [ValueError("boom")]
    field(app, "Question").set_value("Hi?")
    button(app, "Ask").click().run()
    assert not asks_again(app)
    app.run()
    assert asks_again(app) and not app.exception


def asks_again(app: AppTest) -> bool:
    """Whether the page is drawn to its end and another question can be asked."""
    return any(one.label == "Ask" and not one.disabled for one in app.button) and not app.error


def test_panes_are_added_removed_and_survive_in_the_address(engine: Engine) -> None:
    run = ready()
    other = seeds.run("finished").id
    app = open_page("playground", panes=f"run:{run},run:{other},model:starter|chatml|none")
    ask(app, "Hi?")
    assert [pane["template"] for pane in engine.asked[0].panes] == ["llama2", "llama2", "chatml"]
    app.button(key=f"remove-run:{other}").click().run()
    assert app.query_params["panes"] in ((kept := f"run:{run},model:starter|chatml|none"), [kept])
    assert f"{other} says Hi?" not in texts(app, "text")
    app.selectbox(key="add-run").select(other).run()
    button(app, "Add run").click().run()
    assert f"{other} says Hi?" in texts(app, "text"), "its answers come back"


def test_a_pane_that_is_gone_is_said_and_can_be_taken_away() -> None:
    run = ready()
    app = open_page("playground", panes=f"run:{run},run:no-such-run,model:nope||")
    assert not app.exception
    assert len(app.error) == 2
    assert "There is no run" in app.error[0].value


def test_words_that_differ_are_marked(engine: Engine) -> None:
    run = ready()
    app = open_page("playground", run=run)
    ask(app, "Hi?")
    app.toggle(key="playground-marked").set_value(True).run()
    assert not app.exception
    marked = [part for part in app.get("bidi_component") if "pieces" in (part.proto.json or "")]
    assert len(marked) == 1 and '"own"' in marked[0].proto.json


def test_an_empty_question_is_said(engine: Engine) -> None:
    ready()
    app = open_page("playground")
    ask(app, " ")
    assert "Write a question first" in app.warning[0].value
    assert not engine.asked


def test_a_good_answer_becomes_a_row_and_a_test_prompt(engine: Engine) -> None:
    run = ready()
    app = open_page("playground", run=run)
    ask(app, "What is a sac?")
    button(app, "Keep as test prompt").click().run()
    assert (field(app, "Prompt set").value, field(app, "Right answer").value) == (
        "playground",
        f"{run} says What is a sac?",
    )
    app.button(key="keep-prompt-now").click().run()
    (kept,) = prompt_sets.prompts("playground")
    assert kept.reference == f"{run} says What is a sac?"
    assert (kept.origin["run"], kept.origin["judged"], kept.created_by) == (run, "good", "tester")
    button(app, "Keep as row").click().run()
    assert field(app, "Dataset").value == "medical-terms"
    app.button(key="keep-row-now").click().run()
    assert not app.exception
    info = datasets.get("medical-terms")
    assert info.version == 2
    assert list(datasets.conversations(info))[-1][1].answer() == f"{run} says What is a sac?"
