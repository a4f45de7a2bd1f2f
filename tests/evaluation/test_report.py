"""The HTML report of a comparison: one file, all of it there, nothing of data or models unescaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from lib.database import Comparison, session
from lib.errors import NotFound, WrongState
from lib.evaluation.comparisons import get
from lib.evaluation.report import export_html, facts, page
from lib.storage import comparison_dir, write_json
from tests.evaluation import reported, stored

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title></style></textarea><svg onload=alert(1)>",
    "null \x00 bell \x07 escape \x1b[31m next \x85 lone \udc80",
    "\u202etxet desrever\u202c and \u2066more",
    "{{ 7 * 7 }} {% raw %} &amp; <!-- -->",
    "שלום עולם",
)
VOID = {"meta", "line", "br", "img"}


class Reader(HTMLParser):
    """The elements, attributes and text of a page; fails where an element is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(number: int, examples: int = 20) -> tuple[str, Reader]:
    text = export_html(number, examples).decode()
    return text, Reader(text)


def test_all_of_a_comparison_is_there_in_one_file(home):
    text, found = read(reported.plain())
    for wanted in (
        "gentle-otter against starter",
        "sums@1 test",
        "by tester",
        "Tuned is ",
        "37 questions of 40",
        "2 (questions",
        "3 (questions that a model was trained on",
        "1 longer than the model",
        "different templates",
        "chrF",
        "better / same / worse",
        "would show",
        "With and without leaked questions",
        "length of the prompt",
        "What got worse, by ROUGE-L",
        "changes the base's output",
        "a" * 64,
        "d" * 64,
        "greedy",
        "1 min 04 s",
        "python -m studio compare gentle-otter --data sums@1 --split test --metric rougeL --metric chrf",
        "--limit 40",
    ):
        assert wanted in found.text, wanted
    assert "script" not in found.tags and "a" not in found.tags and "link" not in found.tags
    assert not re.search(r"https?://(?!www\.w3\.org)", text.split("<body>")[0])
    assert not any(name in ("src", "href", "srcset", "style") or name.startswith("on") for name, _ in found.attributes)
    assert "default-src 'none'; style-src 'unsafe-inline'" in (value for _, value in found.attributes)
    assert "url(" not in text and "@import" not in text


def test_each_difference_is_drawn_and_told_in_words(home):
    _, found = read(reported.plain())
    labels = [value for name, value in found.attributes if name == "aria-label"]
    drawn = [label for label in labels if label.startswith("ROUGE-L: ")]
    assert drawn and all(re.search(r"\[.+\], (better|worse|no evidence)$", label) for label in drawn)
    assert found.tags.count("svg") == found.tags.count("title") - 1
    places = [float(value.rstrip("%")) for name, value in found.attributes if name in ("x", "x1", "x2")]
    assert all(0 <= place <= 100 for place in places)


def test_the_worst_are_marked_by_words_and_no_more_than_asked(home):
    number = reported.plain()
    text, found = read(number, examples=3)
    assert found.tags.count("article") == 3 and "the worst 3 are shown" in found.text
    assert re.search(r'<mark class="removed">[^<]+</mark>', text)
    assert "cut at the limit" in read(number)[1].text
    assert read(number, examples=0)[1].tags.count("article") == 0


def test_no_text_of_data_or_models_gets_into_the_page_as_markup(home):
    rows = len(HOSTILE) * 2
    texts = [HOSTILE[row % len(HOSTILE)] for row in range(rows)]
    storable = [text.replace("\udc80", "") for text in texts]
    names = ('<b onclick="x">base</b>', "<script>tuned</script>")
    base = [f"{text} same" for text in storable]
    tuned = [f"other {text}" for text in reversed(storable)]
    number = reported.scored(base, tuned, base, storable, names=names, warnings=HOSTILE[:3])
    with session() as opened:
        row = opened.get_one(Comparison, number)
        row.note, row.created_by = "\n".join(storable).replace("\x00", ""), HOSTILE[0]
        row.dataset, row.split = HOSTILE[1], HOSTILE[2]
    text, found = read(number)
    plain, clean = read(reported.plain())
    assert plain and set(found.tags) <= {*clean.tags, "i"}, set(found.tags) - set(clean.tags)
    assert not {"script", "img", "textarea"} & set(found.tags) and text.count("<style>") == 1
    assert not any(name.startswith("on") for name, _ in found.attributes)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    for wanted in (HOSTILE[0], HOSTILE[1], HOSTILE[5], HOSTILE[6], "null \u2400 bell \u2407 escape \u241b[31m"):
        assert wanted in found.text, wanted


def test_signs_that_no_page_can_show_are_seen():
    assert page.visible("a\x00b\x7fc\x85d\udc80e\u202ef\n\tg") == "a\u2400b\u2421c\ufffdd\ufffde\ufffdf\n\tg"


def test_a_comparison_with_hardly_anything_stored(home):
    number = stored.pairs()
    text, found = read(number)
    assert "No verdict was stored." in found.text and "article" not in found.tags and text
    write_json(comparison_dir(number) / "result.json", {})
    with pytest.raises(WrongState, match="has no result"):
        export_html(number)
    with pytest.raises(NotFound):
        export_html(number + 1)


def test_equal_answers_have_no_example_and_no_evidence(home):
    same = reported.texts(12, 3)
    _, found = read(reported.scored(same, same, same))
    assert "No evidence that tuned and base differ" in found.text and "lost no question" in found.text
    assert "With and without" not in found.text


def test_the_command_makes_the_same_comparison_again(run, compare, studio_home):
    from lib.evaluation.sides import model_side

    settings = {"max_new_tokens": 4, "temperature": 0.7, "repeats": 2, "system": "Be 'brief'.", "metrics": ("chrf",)}
    view = compare([run.id], models=[model_side("tiny", "chatml")], **settings)
    told = facts.command(view)
    assert told.startswith(f"python -m studio compare {run.id} --data sums@1 --split test --model tiny=chatml ")
    assert "--temperature 0.7 --repeats 2 --system 'Be '\"'\"'brief'\"'\"'.'" in told and "--no-base" not in told
    assert "--no-base" in facts.command(compare([run.id], models=[model_side("tiny", "chatml")], base=False))
    _, found = read(view.id)
    assert "How much another seed would change" in found.text and f"{run.id} less tiny" in found.text
    assert get(view.id).result["sides"][run.id]["adapter_sha256"] in found.text
