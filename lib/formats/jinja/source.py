"""Text -> program. The program counts: every turn of a loop, every value it makes, every text it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser
from jinja2.visitor import NodeTransformer

from lib.formats.jinja.faults import Faulty, TemplateFault
from lib.formats.jinja.places import Placed, Source

LONGEST_SOURCE = 100_000
_NEVER_CLOSED = re.compile(r"Unexpected end of template\..* closed is '(\w+)'")
_CHARACTER = re.compile(r"unexpected char ['\"](.)['\"] at \d+")
_WORDS = (
    ("Encountered unknown tag", "there is no tag"),
    ("You probably made a nesting mistake. ", ""),
    ("Jinja was looking", "Looked"),
    ("No filter", "there is no filter"),
    ("No test", "there is no test"),
)
_OTHER_FILES = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)


@contextmanager
def _limits_of_python() -> Iterator[None]:
    """Translate what Python itself cannot read."""
    try:
        yield
    except (RecursionError, SyntaxError, MemoryError) as error:
        raise Faulty(TemplateFault("the template is nested too deeply", 1, 1)) from error
    except ValueError as error:  # such as a number of thousands of digits
        raise Faulty(TemplateFault(f"the template cannot be read: {error}", 1, 1)) from error


@_limits_of_python()
def parse(source: Source) -> nodes.Template:
    """The tree of a source.

    Raises:
        Faulty: it cannot be read, or asks for other files.
    """
    if len(source.text) > LONGEST_SOURCE:
        raise Faulty(TemplateFault(f"the template has more than {LONGEST_SOURCE:,} characters", 1, 1))
    if any("\ud800" <= letter <= "\udfff" for letter in source.text):
        raise Faulty(TemplateFault("the template holds half of a character (a lone surrogate)", 1, 1))
    parser = Parser(source.environment, "")
    try:
        parser.stream = TokenStream(source.tokens(), None, None)
        tree = parser.parse()
    except jinja2.TemplateSyntaxError as error:
        raise Faulty(_syntax_fault(source, parser.stream, error)) from error
    for node in tree.find_all(_OTHER_FILES):
        place = source.find(node.lineno, ("include", "extends", "import", "from"))
        raise Faulty(TemplateFault("a template may not bring in other files", *place))
    tree.set_environment(source.environment)
    return tree


@_limits_of_python()
def compile_tree(source: Source, tree: nodes.Template) -> jinja2.Template:
    """The program of a tree, which is changed.

    Raises:
        Faulty: it uses a filter or test that there is not, or is nested too deeply.
    """
    counted = _Counting().visit(tree)
    counted.set_environment(source.environment)
    try:
        return source.environment.from_string(counted)
    except jinja2.TemplateSyntaxError as error:
        raise Faulty(_name_fault(source, error)) from error


def _syntax_fault(source: Source, stream: TokenStream, error: jinja2.TemplateSyntaxError) -> TemplateFault:
    token: Any = stream.current
    if isinstance(token, Placed) and error.lineno <= token.lineno and not _stopped_reading(error):
        offset = token.offset
    else:
        rest = source.text[source.reached :]
        offset = source.reached + len(rest) - len(rest.lstrip())
    return TemplateFault(_plain(error), *source.place(offset))


def _stopped_reading(error: jinja2.TemplateSyntaxError) -> bool:
    """Whether the lexer failed, not the parser: it has no token for what stands there."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_code.co_name in ("tokeniter", "__call__", "wrap")


def _name_fault(source: Source, error: jinja2.TemplateSyntaxError) -> TemplateFault:
    quoted = (error.message or "").split("'")[1::2]
    return TemplateFault(_plain(error), *source.find(error.lineno, quoted))


def _plain(error: jinja2.TemplateSyntaxError) -> str:
    """Jinja's message as part of a sentence."""
    message = (error.message or "this cannot be read").rstrip(".")
    if match := _NEVER_CLOSED.search(message):
        return f"`{match[1]}` is never closed: `end{match[1]}` is missing"
    if match := _CHARACTER.fullmatch(message):
        quote = match[1] in ("'", '"')
        return "the text that begins here is never closed" if quote else f"`{match[1]}` has no place here"
    for jinja, ours in _WORDS:
        message = message.replace(jinja, ours)
    return message[0].lower() + message[1:]


class _Counting(NodeTransformer):
    """Writes calls of the sandbox's `step`, `written`, `made` and `tilde` into a tree."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_call("step", node.lineno), lineno=node.lineno))
        if node.test is not None:
            node.test = nodes.And(_call("step", node.lineno), node.test, lineno=node.lineno)
        return node

    def visit_Output(self, node: nodes.Output) -> list[nodes.Node]:
        self.generic_visit(node)
        size = sum(len(item.data) for item in node.nodes if isinstance(item, nodes.TemplateData))
        if not size:
            return [node]
        count = _call("written", node.lineno, nodes.Const(size, lineno=node.lineno))
        return [nodes.ExprStmt(count, lineno=node.lineno), node]

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _call("tilde", node.lineno, *node.nodes)

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return self._made(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return self._made(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        return self._made(node) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        is_slice = isinstance(node.arg, nodes.Slice)
        return self._made(node) if is_slice else self.generic_visit(node)

    def _made(self, node: nodes.Expr) -> nodes.Node:
        self.generic_visit(node)
        return node if _is_constant(node) else _call("made", node.lineno, node)


def _is_constant(node: nodes.Node) -> bool:
    """Whether all of it stands in the source."""
    plain = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair)
    return all(isinstance(part, plain) and _is_constant(part) for part in node.iter_child_nodes())


def _call(name: str, line: int, *args: nodes.Expr) -> nodes.Call:
    function = nodes.EnvironmentAttribute(name, lineno=line)
    return nodes.Call(function, list(args), [], None, None, lineno=line)
