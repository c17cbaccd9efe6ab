"""The one sandboxed Jinja environment: what expressions may be made of, and what they reach.

Two walls. What an expression may contain is a list of node types, checked before it is compiled: no
calls but `range(…)`, no names that Jinja gives a meaning of its own. What it may reach at run time is
keys of JSON data: the environment's look-ups never touch an attribute of a Python object. What works on
whole lists and texts is counted (`domain.flow.language.budget`): filters and tests count for themselves,
comparisons, slices and `~` become filters here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from inspect import signature
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from domain.flow.diagnostics import HintedError
from domain.flow.language.filters_codec import CODEC_FILTERS
from domain.flow.language.filters_list import LIST_FILTERS
from domain.flow.language.filters_object import OBJECT_FILTERS
from domain.flow.language.filters_text import TEXT_FILTERS
from domain.flow.language.filters_time import TIME_FILTERS
from domain.flow.language.nearby import did_you_mean
from domain.flow.language.operators import ARITHMETIC, compared, concatenated, sliced
from domain.flow.language.predicates import PREDICATES
from domain.flow.language.values import Absent, present

FILTERS = {**TEXT_FILTERS, **CODEC_FILTERS, **TIME_FILTERS, **LIST_FILTERS, **OBJECT_FILTERS}
RESULT = "result"
"""The variable of the compiled template that holds the expression's value."""

FUNCTIONS = frozenset({"range"})
KEYWORDS = frozenset(
    {"true", "false", "none", "null", "True", "False", "None", "and", "or", "not", "if", "else", "in", "is", "self"}
)
"""Names that no variable can have: Jinja reads them as something else, or people do."""

_HINTS = {"self": "`self` is not defined", "null": "nothing is written `none`"}
_CONCAT, _COMPARE, _SLICE = "~", "<=>", "[:]"
"""Filters that stand for operators; their names cannot be written."""
_MAX_DEPTH = 100
"""Depth of an expression's tree: about a hundred operators in a row, and few enough for any caller's stack."""

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Const,
    nodes.Name,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
)


class FlowEnvironment(SandboxedEnvironment):
    """Jinja with look-ups of keys only and operators with bounds."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        # Without the optimizer nothing is computed while an expression is compiled.
        super().__init__(undefined=Absent, optimized=False, autoescape=False, cache_size=0)
        self.globals = {}
        self.filters = {**FILTERS, _CONCAT: concatenated, _COMPARE: compared, _SLICE: sliced}
        self.tests = {**PREDICATES}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value under a key of an object; never an attribute."""
        if isinstance(obj, Mapping):
            try:
                return obj[attribute]
            except KeyError:
                return Absent(obj=obj, name=attribute)
        return Absent(obj=present(obj), name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The value under a key of an object, or at an index of a list or text."""
        if isinstance(present(obj), Mapping):
            return self.getattr(obj, argument) if isinstance(present(argument), str) else Absent(obj=obj, name=argument)
        if isinstance(obj, list | tuple | str) and isinstance(argument, int) and not isinstance(argument, bool):
            try:
                return obj[argument]
            except IndexError:
                return Absent(hint=f"there is no item {argument} in {len(obj)} items")
        return Absent(obj=obj, name=present(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The guarded operators."""
        return ARITHMETIC[operator](present(left), present(right))


ENVIRONMENT = FlowEnvironment()


def parse_expression(source: str) -> nodes.Expr:
    """The tree of an expression that keeps the rules.

    Raises:
        jinja2.TemplateSyntaxError: It is no expression, or breaks a rule; the message says which.
        HintedError: So, and it is plain what was meant.
    """
    parser = Parser(ENVIRONMENT, source, state="variable")
    try:
        tree = parser.parse_expression()
    except TemplateSyntaxError:
        _refuse_assignment(parser)
        raise
    if not parser.stream.eos:
        _refuse_assignment(parser)
        raise TemplateSyntaxError(f"{_shown(parser)} is not expected after the expression", 1)
    for node in _checked(tree):
        if isinstance(node, nodes.Filter):
            _check_use("filter", node, FILTERS)
        if isinstance(node, nodes.Test):
            _check_use("test", node, PREDICATES)
        if isinstance(node, nodes.Name) and node.name in _HINTS:
            raise TemplateSyntaxError(_HINTS[node.name], 1)
    return tree


def compile_tree(tree: nodes.Expr) -> Any:
    """The render function of a template that assigns the expression's value to `RESULT`."""
    body = nodes.Assign(nodes.Name(RESULT, "store"), _guarded(tree))
    template = nodes.Template([body])
    for node in (template, *template.find_all(nodes.Node)):
        node.lineno = 1
        node.environment = ENVIRONMENT
    return ENVIRONMENT.from_string(template).root_render_func


def _refuse_assignment(parser: Parser) -> None:
    if parser.stream.current.type == "assign":
        raise HintedError("`=` does not compare, and expressions set nothing", "write `==` to compare")


def _shown(parser: Parser) -> str:
    return repr(str(parser.stream.current))


def _checked(tree: nodes.Expr) -> Iterator[nodes.Node]:
    pending: list[tuple[nodes.Node, int]] = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise TemplateSyntaxError(f"it nests deeper than {_MAX_DEPTH}", 1)
        if not isinstance(node, _ALLOWED):
            raise TemplateSyntaxError(f"{type(node).__name__} is not supported", 1)
        children = list(node.iter_child_nodes())
        if isinstance(node, nodes.Call):
            if not (isinstance(node.node, nodes.Name) and node.node.name in FUNCTIONS) or node.kwargs:
                raise TemplateSyntaxError("only `range(…)` can be called; values are changed with filters", 1)
            children = list(node.args)
        elif isinstance(node, nodes.Name) and node.name in FUNCTIONS:
            raise TemplateSyntaxError(f"`{node.name}` is a function; call it", 1)
        elif isinstance(node, nodes.CondExpr) and node.expr2 is None:
            raise TemplateSyntaxError("`if` needs an `else`", 1)
        elif isinstance(node, nodes.Compare) and len(node.ops) > 1 and any(map(_compares, node.ops[:-1])):
            raise TemplateSyntaxError("comparisons in a row do not nest; write `and` between them", 1)
        elif isinstance(node, nodes.Const) and isinstance(node.value, float) and not math.isfinite(node.value):
            raise TemplateSyntaxError("the number is too large", 1)
        if isinstance(node, nodes.Call | nodes.Filter | nodes.Test) and (node.dyn_args or node.dyn_kwargs):
            raise TemplateSyntaxError("`*` and `**` before arguments are not supported", 1)
        yield node
        pending.extend((child, depth + 1) for child in children)


def _check_use(what: str, node: nodes.Filter | nodes.Test, known: Mapping[str, Callable[..., Any]]) -> None:
    """Raise `TemplateSyntaxError` when there is no such filter or test, or it takes other arguments."""
    if node.name not in known:
        raise TemplateSyntaxError(f"there is no {what} {node.name!r}{did_you_mean(node.name, known)}", 1)
    try:
        signature(known[node.name]).bind(node.node, *node.args, **{str(pair.key): pair.value for pair in node.kwargs})
    except TypeError as error:
        raise TemplateSyntaxError(f"the {what} `{node.name}`: {error}", 1) from None


def _compares(node: nodes.Node) -> bool:
    return node.find(nodes.Compare) is not None


def _guarded(node: Any) -> Any:
    """The tree with operators that Jinja would hand to Python as they are, without a bound, as filters of ours."""
    for field, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            setattr(node, field, _guarded(value))
        elif isinstance(value, list):
            setattr(node, field, [_guarded(part) if isinstance(part, nodes.Node) else part for part in value])
    if isinstance(node, nodes.Concat):
        return _filter(nodes.List(node.nodes), _CONCAT)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return _filter(node.node, _SLICE, *(bound or nodes.Const(None) for bound in bounds))
    if isinstance(node, nodes.Compare):
        # `a < b < c` is `a < b and b < c`: what stands twice compares nothing itself, so nothing grows.
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        pairs: list[nodes.Expr] = [
            _filter(left, _COMPARE, nodes.Const(operand.op), operand.expr)
            for left, operand in zip(sides, node.ops, strict=False)
        ]
        return reduce(nodes.And, pairs)
    return node


def _filter(value: nodes.Node, name: str, *arguments: nodes.Node) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None)
