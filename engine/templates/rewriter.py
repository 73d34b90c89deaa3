"""Rewriter: sends every operation of a parsed template that can be large through the environment's budget."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer

from engine.templates.budget import CONTAINER_BYTES, ITEM_BYTES, MAX_INTEGER, too_much

_REFUSED: Final = (
    nodes.Block, nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include, nodes.ScopedEvalContextModifier,
)  # fmt: skip
_CONTAINERS: Final = (nodes.List, nodes.Tuple, nodes.Dict, nodes.Macro, nodes.CallBlock)

N = TypeVar("N", bound=nodes.Node)


class Rewriter(NodeTransformer):
    """Rewrites a template in place; the new calls go to the methods of `TemplateEnvironment` of the same names."""

    def __init__(self) -> None:
        self._rewriters: dict[type[nodes.Node], Callable[[Any], Any]] = {
            nodes.CallBlock: self._body,
            nodes.Compare: self._compare,
            nodes.Concat: self._concat,
            nodes.Const: self._const,
            nodes.For: self._for,
            nodes.Getitem: self._getitem,
            nodes.Macro: self._body,
            nodes.Output: self._output,
            nodes.Pair: self._pair,
        }

    def get_visitor(self, node: nodes.Node) -> Callable[[Any], Any]:
        """What rewrites this kind of node."""
        if isinstance(node, _REFUSED):
            raise TemplateSyntaxError(f"{type(node).__name__} is not allowed in a chat template", node.lineno)
        return self._rewriters.get(type(node), self.generic_visit)

    def _const(self, node: nodes.Const) -> nodes.Const:
        if isinstance(node.value, int) and abs(node.value) > MAX_INTEGER:
            raise too_much("computes with numbers that are too large")
        return node

    def _for(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            raise TemplateSyntaxError("recursive loops are not allowed in a chat template", node.lineno)
        cost = _container_bytes(node)
        node = self._inside(node)
        node.iter = _through("count", node.iter, nodes.Const(cost))
        return node

    def _output(self, node: nodes.Output) -> list[nodes.Node]:
        size = sum(len(item.data) for item in node.nodes if isinstance(item, nodes.TemplateData))
        node = self._inside(node)
        return [_statement("take", size), node] if size else [node]

    def _concat(self, node: nodes.Concat) -> nodes.Node:
        return _through("join", *self._inside(node).nodes)

    def _getitem(self, node: nodes.Getitem) -> nodes.Node:
        node = self._inside(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        cut = node.arg
        return _through("cut", node.node, *(part or nodes.Const(None) for part in (cut.start, cut.stop, cut.step)))

    def _compare(self, node: nodes.Compare) -> nodes.Node:
        node = self._inside(node)
        node.expr = _looked_at(node.expr)
        for operand in node.ops:
            operand.expr = _looked_at(operand.expr)
        return node

    def _pair(self, node: nodes.Pair) -> nodes.Node:
        node = self._inside(node)
        node.key = _looked_at(node.key)
        return node

    def _inside(self, node: N) -> N:
        """Rewrite the parts of a node."""
        self.generic_visit(node)
        return node

    def _body(self, node: Any) -> nodes.Node:
        cost = _container_bytes(node)
        node = self._inside(node)
        node.body.insert(0, _statement("take", cost))
        return node  # type: ignore[no-any-return]


def _container_bytes(node: nodes.Node) -> int:
    """What the lists and dictionaries written in a part of a template take each time it runs."""
    total = 0
    for item in node.find_all(_CONTAINERS):
        total += CONTAINER_BYTES + ITEM_BYTES * len(getattr(item, "items", ()))
    return total


def _through(method: str, *args: nodes.Node) -> nodes.Expr:
    """A call of a method of the environment."""
    return nodes.Call(nodes.EnvironmentAttribute(method), list(args), [], None, None)


def _statement(method: str, size: int) -> nodes.Node:
    return nodes.ExprStmt(_through(method, nodes.Const(size)))


def _looked_at(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _through("look", node)
