"""Names that a template reads and nobody sets: neither what it is given nor anything in the template itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

# What is set in one of these is gone behind it. `if` is none of them: what is set in a branch stays.
_SCOPES = (
    nodes.AssignBlock,
    nodes.Block,
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.For,
    nodes.Macro,
    nodes.Scope,
    nodes.With,
)
_MAY_BE_MISSING = ("defined", "undefined", "default", "d")


def unknown_names(tree: nodes.Template, known: Collection[str]) -> Iterator[nodes.Name]:
    """Every place where such a name is read, but for names that the template itself asks for first.

    A name that is set in one branch only counts as set: whether it is missing is seen when the template runs.
    """
    asked = {
        node.node.name
        for node in tree.find_all((nodes.Test, nodes.Filter))
        if node.name in _MAY_BE_MISSING and isinstance(node.node, nodes.Name)
    }
    # Jinja knows all that a template may call; but to it, a name that is set in some branches only is not set.
    unknown = find_undeclared_variables(tree) - {*known, *asked}
    return (node for node in _read(tree, _set_in(tree)) if node.name in unknown)


def set_names(tree: nodes.Template) -> set[str]:
    """Names that are set anywhere, those of loops and macros too."""
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}


def _read(node: nodes.Node, known: frozenset[str]) -> Iterator[nodes.Name]:
    """Names that are read where nothing in reach sets them."""
    if isinstance(node, nodes.Name):
        if node.ctx == "load" and node.name not in known:
            yield node
        return
    inside = known | _set_in(node) if isinstance(node, _SCOPES) else known
    for field, value in node.iter_fields():
        reach = known if isinstance(node, nodes.For) and field == "iter" else inside
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, nodes.Node):
                yield from _read(child, reach)


def _set_in(scope: nodes.Node) -> frozenset[str]:
    """Names that are set in a scope itself, in whichever branch; not those of scopes in it."""
    found: set[str] = set()
    waiting = [*scope.iter_child_nodes()]
    while waiting:
        node = waiting.pop()
        if (isinstance(node, nodes.Name) and node.ctx != "load") or isinstance(node, nodes.Macro):
            found.add(node.name)
        elif isinstance(node, nodes.AssignBlock):
            waiting.append(node.target)
        elif not isinstance(node, _SCOPES):
            waiting += node.iter_child_nodes()
    return frozenset(found)
