"""Templates of people nobody knows: what they may do, what it may cost, and where they are told that they fail."""

from __future__ import annotations

import resource
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats.jinja import Faulty, Program, Refusal, TemplateFault, check_source
from tests.formats.strategies import few
from tests.formats.tokenizers_for_tests import CHATML_TEMPLATE, LLAMA2_TEMPLATE, LLAMA3_TEMPLATE

MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]
GREEDY = [
    "{% for i in range(10**9) %}{{ i }}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) if j < 0 %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{{ range(99999) | select('none') | list }}{% endfor %}",
    "{% set n = namespace(a='x') %}{% for i in range(99) %}{% set n.a = n.a ~ n.a %}{% endfor %}",
    "{% set n = namespace(a='x') %}{% for i in range(99) %}{% set n.a = n.a + n.a %}{% endfor %}",
    "{% set n = namespace(a=['x']) %}{% for i in range(99) %}{% set n.a = n.a + n.a %}{% endfor %}",
    "{% set n = namespace(a=['x']) %}{% for i in range(99) %}{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a }}",
    "{% set n = namespace(a={}) %}{% for i in range(99) %}{% set n.a = {'x': n.a, 'y': n.a} %}{% endfor %}",
    "{% set n = namespace(a=7) %}{% for i in range(99) %}{% set n.a = n.a * n.a %}{% endfor %}",
    "{% set n = namespace(a=[]) %}{% for i in range(9999) %}{% set n.a = n.a + ['x' * 99999] %}{% endfor %}",
    "{{ 'a'.center(10**9) }}",
    "{{ ('a' | escape).center(10**9) }}",
    "{% autoescape true %}{% set x %}a{% endset %}{{ x.center(10**9) }}{% endautoescape %}",
    "{{ 'a' | center(10**9) }}",
    "{{ ['a'] | map('center', 10**9) | list }}",
    "{{ 'a'.zfill(10**9) }}",
    "{{ 'a'.ljust(10**9) }}",
    "{{ '\t'.expandtabs(tabsize=10**9) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ '%(a(b)c)1000000000d' % {'a(b)c': 1} }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 10**9) }}",
    "{{ '{x:{y}}'.format_map({'x': 1, 'y': 10**9}) }}",
    "{{ 'a' * 10**9 }}",
    "{{ [0] * 10**9 }}",
    "{{ 3 ** (10**9) }}",
    "{{ ('a' * 999).replace('a', 'b' * 99999) }}",
    "{{ ('a' * 999) | replace('a', 'b' * 99999) }}",
    "{{ ('x,' * 99999).split(',') | join('y' * 99999) }}",
    "{{ ('y' * 99999).join(('x,' * 99999).split(',')) }}",
    "{{ [1] | batch(10**9, 'x') | list }}",
    "{{ [1] | slice(10**9) | list }}",
    "{{ ('a\n' * 99999) | indent(99999) }}",
    "{{ 1.5 | round(10**9, 'ceil') }}",
    "{{ ('a' * 500000).rfind('b' + 'a' * 250000) }}",
    "{{ messages | tojson(indent=10**9) }}",
    "{{ messages | tojson(separators=('a' * 900000, 'b')) }}",
    "{{ range(10**9) | list }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% for i in range(99999) %}{{ 'a' * 99999 }}{% endfor %}",
    "{% set x %}{% for i in range(99999) %}" + "y" * 9999 + "{% endfor %}{% endset %}",
    "{% for a in 'b' %}" * 30 + "{% endfor %}" * 30,
    "{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}",
    "{{ 1" + "+1" * 20_000 + " }}",
    "{{ " + "9" * 5000 + " }}",
    "{% set x = 0x" + "f" * 50_000 + " %}{{ x * x }}",
]


def write(source: str, strict: bool = True) -> str:
    names = {"eos_token": "</s>"}
    return Program.of(source, strict).write(MESSAGES, names, generation=False).text


@pytest.mark.parametrize("source", GREEDY)
def test_what_asks_for_too_much_ends_soon_and_small(source: str) -> None:
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    with pytest.raises(Faulty) as error:
        write(source)
    assert time.thread_time() - start < 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
    assert error.value.fault.line >= 1 and error.value.fault.column >= 1


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ '' | attr('__class__') }}",
        "{{ ['a'] | map(attribute='__class__') | join }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update(a=1) }}",
        "{{ messages[0].pop('role') }}",
        "{{ raise_exception.__globals__ }}",
        "{{ cycler.__init__ }}",
        "{{ self.__init__ }}",
        "{{ 'a'.encode() }}",
        "{{ (1).to_bytes(9, 'big') }}",
        "{{ namespace(__class__=1) }}",
        "{% include 'other' %}",
        "{% from 'other' import x %}",
        "{{ lipsum() }}",
        "{{ [1] | random }}",
    ],
)
def test_nothing_outside_is_reached(source: str) -> None:
    with pytest.raises(Faulty):
        write(source)
    assert check_source(source)
    assert MESSAGES == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]


def test_what_templates_of_models_do_is_possible() -> None:
    wanted = {
        "{% for m in messages %}{{ loop.index }}{{ m['role'] | upper }}{% if loop.last %}!{% endif %}{% endfor %}":
            "1USER2ASSISTANT!",
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.content }}{% endfor %}": "Hi",
        "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(', ') }}": "Hi",
        "{{ (messages | groupby('role') | first).grouper }} {{ [3, 1] | sort }}": "assistant [1, 3]",
        "{% set n = namespace(a=0) %}{% for m in messages[::-1] %}{% set n.a = n.a + 1 %}{% endfor %}{{ n.a }}": "2",
        "{{ {'é<': 'x'} | tojson }} {{ [1] | tojson(indent=1) }}": '{"é<": "x"} [\n 1\n]',
        "{{ 'a:b'.split(':')[-1] ~ '%s' % 'c' ~ '{}'.format('d') ~ ('e' if messages is defined) }}": "bcde",
        "{% macro f(x, y=2) %}{{ x }}{{ y }}{% endmacro %}{{ f('a') }}{% set z %} b {% endset %}{{ z | trim }}": "a2b",
        "{% generation %}{{ messages[1].content | trim }}{% endgeneration %}{{ strftime_now('%Y') | length }}": "Yo4",
        "{{ dict(a=1).items() | list }} {{ '  x'.lstrip() }} {{ messages[9].content if messages[9] }}": "[('a', 1)] x ",
    }  # fmt: skip
    for source, text in wanted.items():
        assert write(source) == text


def test_long_conversations_have_longer_means() -> None:
    source = (
        "{% set n = namespace(t='') %}{% for m in messages %}{% set n.t = n.t ~ m.content ~ eos_token %}{% endfor %}"
    )
    messages = [{"role": "user", "content": "word " * 200}] * 200
    written = Program.of(source + "{{ n.t }}", True).write(messages, {"eos_token": "</s>"}, generation=False)
    assert written.text == ("word " * 200 + "</s>") * 200


def test_blocks_are_marked_and_the_marks_are_gone() -> None:
    source = (
        "{% for m in messages %}{% if loop.last %}{% generation %}{{ m.content }}.{% endgeneration %}{% endif %}-"
        "{% endfor %}"
    )
    program = Program.of(source, True)
    written = program.write(MESSAGES, {}, generation=False, mark=True)
    assert (written.text, written.trained) == ("-Yo.-", ((1, 4),))
    assert program.has_blocks and not Program.of("x", True).has_blocks
    kept = "{% set x %}a{% generation %} b {% endgeneration %}{% endset %}{{ x | upper }}"
    assert Program.of(kept, True).write([], {}, generation=False, mark=True).trained == ((1, 4),)
    cut = "{% set x %}{% generation %}abc{% endgeneration %}{% endset %}{{ x[:-5] }}"
    with pytest.raises(Faulty, match="cut or changed"):
        Program.of(cut, True).write([], {}, generation=False, mark=True)


FAULTS = [
    ("{% for m in messages %}\n{{ m.content }\n{% endfor %}", 2, 14, "unexpected '}'"),
    ("{% for m in messages %}\n{{ m.content }}\n", 2, 16, "`for` is never closed"),
    ("a\n  {% fro m in messages %}", 2, 6, "no tag 'fro'"),
    ("{%- if messages -%}\n\n   {{- foo }}{% endif %}", 3, 8, "`foo` is not known"),
    ("{{ 'abc }}", 1, 4, "never closed"),
    ("x {{ messages[0 }}", 1, 17, "expected ']'"),
    ("{% set x = 1 2 %}", 1, 14, "got 'integer'"),
    ("{{ mesages }}", 1, 4, "did you mean `messages`?"),
    ("{# foo #}{{ 'foo' }}{{ foo }}", 1, 24, "`foo` is not known"),
    ("\r\n{{ bos_tokn }}", 2, 4, "did you mean `bos_token`?"),
    ("{% for m in messages %}\n  {{ m.content | trimm }}{% endfor %}", 2, 18, "no filter named 'trimm'"),
    ("{{ messages is definedd }}", 1, 16, "no test named 'definedd'"),
    ("{% for m in messages %}\n  {{ m.contnt }}{% endfor %}", 2, 8, "no `contnt`; did you mean `content`?"),
    ("{{ messages[0].content\n  + 1 }}", 2, 3, "can only concatenate"),
    ("{{ 1 / 0 }}", 1, 4, "division by zero"),
    ("{% macro f(a) %}\n{{ a.x }}{% endmacro %}\n{{ f(messages) }}", 2, 6, "no `x`"),
    ("x {{ raise_exception('no') }}", 1, 6, "refused: no"),
    ("{% include 'x' %}", 1, 4, "other files"),
    (
        "{% for m in messages %}{% generation %}{{ m.role }}: {{ m.content }}{% endgeneration %}{% endfor %}",
        1, 27, "begins inside the prompt",
    ),
    ("\ud800", 1, 1, "half of a character"),
    ("{{ '\\ud83d' }}", 1, 4, "half of a character"),
    ("{{ '%c' % 55357 }}", 1, 4, "half of a character"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "line", "column", "message"), FAULTS)
def test_faults_point_at_line_and_column(source: str, line: int, column: int, message: str) -> None:
    [fault] = check_source(source)
    assert (fault.line, fault.column) == (line, column)
    assert message in fault.message
    assert str(fault).startswith(f"line {line}, column {column}: ")


def test_every_unknown_name_is_told_and_what_is_asked_for_first_is_none() -> None:
    places = [(fault.line, fault.column) for fault in check_source("{{ foo(1) }}{{ bar }}\n{{ bar }}")]
    assert places == [(1, 4), (1, 16), (2, 4)]
    assert not check_source("{% if date is defined %}{{ date }}{% endif %}{{ thinking | default('') }}")
    assert not check_source("{% if messages[0].tool_calls %}x{% endif %}{{ bos_token }}{{ tools or '' }}")
    assert check_source("{{ messages[0].tool_calls }}") == [TemplateFault("a message has no `tool_calls`", 1, 16)]


def test_near_names_are_offered_those_of_the_template_too() -> None:
    for source, name in [
        ("{% for message in messages %}{{ mesage.content }}{% endfor %}", "message"),
        ("{% set system_text = 'x' %}{{ system_txt }}", "system_text"),
        ("{% macro turn(speaker) %}{{ speakr }}{% endmacro %}{{ turn('x') }}", "speaker"),
    ]:
        [fault] = check_source(source)
        assert fault.message.endswith(f"did you mean `{name}`?")


@pytest.mark.parametrize(
    "source",
    [
        "{% if messages[0].role == 'system' %}{% set s = 'x' %}{% else %}{% set s = '' %}{% endif %}{{ s }}",
        "{% if messages[0].role == 'system' %}{% set s = 'x' %}{% endif %}"
        "{% for m in messages %}{% if m.role == 'system' %}{{ s }}{% endif %}{% endfor %}",
        "{% for m in messages %}{% if m.role == 'user' %}{% set n = 'U' %}{% elif m.role == 'system' %}"
        "{% set n = 'S' %}{% else %}{% set n = 'A' %}{% endif %}{{ n }}: {{ m.content }}{% endfor %}",
        "{% if messages %}{% macro f(x) %}{{ x }}{% endmacro %}{% endif %}{{ f('a') }}",
        "{% if messages %}{% set x %}a{% endset %}{% endif %}{{ x }}",
        "{% for m in messages %}{% generation %}{% set y = m.content %}{{ y if add_generation_prompt }}"
        "{% endgeneration %}{% endfor %}",
        CHATML_TEMPLATE, LLAMA2_TEMPLATE, LLAMA3_TEMPLATE,
    ],
)  # fmt: skip
def test_a_name_that_is_set_in_a_branch_is_known(source: str) -> None:
    assert check_source(source) == []


def test_what_is_set_in_one_branch_only_is_told_when_it_is_missing() -> None:
    [fault] = check_source("{% if messages[0].role == 'system' %}\n{% set s = 'x' %}\n{% endif %}\n{{ s }}")
    assert (fault.line, fault.column, fault.message) == (4, 4, "`s` is not known")


@pytest.mark.parametrize(
    "source",
    [
        "{% for m in messages %}{% set y = m.content %}{% endfor %}{{ y }}",
        "{% for y in messages %}{{ y.content }}{% endfor %}{{ y.role }}",
        "{% macro f(y) %}{{ y }}{% endmacro %}{{ f('x') }}{{ y }}",
        "{% with y = 'x' %}{{ y }}{% endwith %}{{ y }}",
    ],
)
def test_a_name_is_gone_behind_the_block_that_sets_it(source: str) -> None:
    [fault] = check_source(source)
    assert fault.message.startswith("`y` is not known here: ") and "did you mean" not in fault.message
    assert fault.column == source.rindex("{{ y") + 4


def test_templates_of_models_may_print_what_is_not_there() -> None:
    assert write("[{{ messages[0].tool_calls }}{{ custom }}]", strict=False) == "[]"


def test_authors_refuse_in_their_own_words() -> None:
    with pytest.raises(Refusal, match="no system here"):
        write("{{ raise_exception('no system here') }}")


PIECES = ["{{", "}}", "{%", "%}", "{#", "#}", "-", " ", "\n", "for", "in", "if", "endfor", "endif", "set", "=",
          "messages", "m", ".", "content", "[", "]", "(", ")", "'", '"', "|", "trim", "0", "+", "~", "*", "generation",
          "endgeneration", "raw", "endraw", "macro", "é", "\\", "\ud800", "x", ":", ",", "9" * 20]  # fmt: skip


@few
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_any_source_is_checked(source: str) -> None:
    lines = source.split("\n")
    for fault in check_source(source):
        assert 1 <= fault.line <= len(lines) and 1 <= fault.column <= len(lines[fault.line - 1]) + 1
        assert fault.message
