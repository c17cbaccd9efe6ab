"""Attempts to get out of the expression language, or to make it build or compute too much."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import evaluate, render
from domain.flow.language import budget

SCOPE: dict[str, Any] = {
    "text": "x",
    "items": [1],
    "object": {"a": 1},
    "format": "{0.__class__}",
    "big": "x" * 1_000_000,
}

ESCAPES = [
    "text.__class__",
    "text['__class__']",
    "items.__class__.__mro__",
    "object.__init__.__globals__",
    "object['__class__']",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__",
    "range.__class__",
    "range.__globals__",
    "range",
    "[range]",
    "range | string",
    "text.upper()",
    "text.format(text)",
    "'{0.__class__}'.format(text)",
    "'{0.__class__}' | format(text)",
    "format.format_map(object)",
    "'%(a)s' | format(object)",
    "'%*d' | format(5, 5)",
    "'%99999999d' | format(1)",
    "'%.99999999f' | format(1.0)",
    "object.keys()",
    "object.pop('a')",
    "items.append(1)",
    "text | attr('upper')",
    "text | regex_replace('x', 'y')",
    "text[items.__class__:]",
    "items[0:'1']",
    "object < object",
    "object in 5",
    "items | map('pairs')",
    "[['__class__', 1]] | items2dict | attr('__class__')",
    "text | b64decode | b64decode",
    "text is match(items)",
    "text is match('(x{1,999}){1,999}')",
    "text | hash('shake_256')",
    "'%c' | strptime('%c')",
    "text | strptime('%' * 100)",
    "text | xmlattr",
    "items | map('attr', '__class__')",
    "items | map(attribute='__class__')",
    "items | map(attribute='__class__.__mro__')",
    "items | selectattr('__class__')",
    "items | sort(attribute='__class__')",
    "items | groupby('__class__')",
    "items | sum(attribute='__class__')",
    "items | join(attribute='__class__')",
    "items | map('default', big)",
    "items | map('map', 'upper')",
    "items | random",
    "items | tojson | safe",
    "text | pprint",
    "text | wordwrap(1)",
    "text | center(999999999)",
    "text | indent(999999999)",
    "lipsum",
    "lipsum()",
    "lipsum.__globals__",
    "cycler('a')",
    "joiner()",
    "namespace(a=1)",
    "dict(a=1)",
    "self",
    "self.__class__",
    "self._TemplateReference__context",
    "context",
    "environment",
    "loop",
    "caller()",
    "super()",
    "varargs",
    "_",
    "gettext('x')",
    "(lambda: 1)()",
    "[x for x in items]",
    "range(3)()",
    "range(*items)",
    "range(**object)",
    "range(stop=3)",
    "text | replace(*items)",
    "text is callable",
    "text is filter",
    "items is sameas(items)",
    "10 ** 100000",
    "10 ** 10 ** 10 ** 10",
    "2 ** 1000 * 2 ** 1000",
    "9" * 400,
    "'x' * 10 ** 9",
    "big * 1000",
    "big ~ big ~ big ~ big ~ big",
    "big + big + big + big + big",
    "[big, big, big, big, big]",
    "[big, big, big, big, big] | join",
    "[1] * 10 ** 9",
    "big | replace('x', 'xxxxxxxxxx')",
    "'x' * 4000 | join('x' * 4000)",
    "range(10 ** 9)",
    "range(10 ** 9) | list",
    "range(10000) | map('string') | map('replace', '1', 'x' * 3999999)",
    "('[' * 100000 ~ ']' * 100000) | fromjson",
    "big | int",
    "1 | round(999999999)",
    "text | truncate(-1)",
    "'2030-01-01' | shift('99999d')",
    "'9999-12-31' | shift('7d')",
    "1e300 | instant",
    "1e300 | duration",
    "'2030-01-01' | strftime('%Y' * 1000)",
    "(" * 500 + "1" + ")" * 500,
    "[" * 500 + "]" * 500,
    "not " * 2000 + "true",
    "-" * 2000 + "1",
    "1" + " + 1" * 2000,
    "1" + " if true else 1" * 600,
    "x" + ".a" * 3000,
    "x" + "[0]" * 2000,
    "text" + " | upper" * 1000,
    "'" + "\\" * 9999,
    '"' * 9999,
    "'\\N{BULLET}'",
    "'\\777'",
    "\x00",
    "\ud800",
    "{{ text }}",
    "{% raw %}",
    "text }} {{ text",
    "x = 1",
    "import os",
    "",
    " ",
]


@pytest.mark.parametrize("expression", ESCAPES, ids=[escape[:40] for escape in ESCAPES])
def test_escapes_end_as_expression_errors(expression: str) -> None:
    with pytest.raises(ThreadloomError) as caught:
        evaluate(expression, SCOPE)
    assert caught.value.code == Code.EXPRESSION_ERROR
    assert "object at 0x" not in caught.value.message


def test_nothing_tells_one_process_from_another() -> None:
    with pytest.raises(ThreadloomError):
        evaluate("[range] | string", SCOPE)


def test_large_results_are_refused_also_when_their_parts_are_shared() -> None:
    shared: Any = [0] * 1_000
    for _ in range(4):
        shared = [shared] * 1_000
    with pytest.raises(ThreadloomError, match="500,000 values"):
        evaluate("[x]", {"x": shared})
    with pytest.raises(ThreadloomError, match="500,000 values"):
        render("x: {{ x }}", {"x": shared})


def test_membership_over_two_long_lists_is_refused() -> None:
    long = list(range(10_000))
    with pytest.raises(ThreadloomError, match="1,000,000 steps"):
        evaluate("a | select('in', a)", {"a": long})
    assert len(evaluate("a | intersect(a)", {"a": long})) == len(long)


def test_values_too_deep_for_the_stack_end_as_expression_errors() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for expression in ("x == y", "x | tojson", "x | unique"):
        with pytest.raises(ThreadloomError) as caught:
            evaluate(expression, {"x": deep, "y": [deep]})
        assert caught.value.code == Code.EXPRESSION_ERROR
    with pytest.raises(ThreadloomError) as caught:
        render(deep, {})
    assert caught.value.code == Code.EXPRESSION_ERROR


BIG: dict[str, Any] = {
    "numbers": list(range(100_000)),
    "rows": [{"a": n, "b": [n]} for n in range(50_000)],
    "same": [{"a": n, "b": [n]} for n in range(50_000)],
    "texts": [f"{n:06}" for n in range(50_000)],
    "text": "x" * 3_000_000,
    "almost": ["x" * 100_000 + str(n) for n in range(30)],
    "object": {str(n): n for n in range(50_000)},
    "instants": ["2030-01-01T00:00:00Z"] * 50_000,
    "pairs": "[" + "{}," * 100_000 + "{}]",
    "a": "a" * 10_000,
}
LABOURS = [
    "rows == same",
    "rows < same",
    "rows != same",
    "same[0:] == rows[0:]",
    "-1 in numbers",
    "{} in rows",
    "text in text",
    "('a' ~ text) in almost",
    "numbers[1:]",
    "text[1000000:] ~ text[2000000:]",
    "numbers + numbers",
    "text + 'x'",
    "'xyz' * 1000000",
    "range(10000)",
    "rows | tojson",
    "pairs | fromjson",
    "rows | unique",
    "rows | intersect(same)",
    "rows | groupby('a')",
    "rows | sort(attribute='a')",
    "rows | map(attribute='b.0')",
    "rows | map(attribute='" + "a." * 500 + "a', default=0)",
    "rows | selectattr('a', 'gt', 1)",
    "rows | selectattr('b', 'in', same)",
    "rows | rejectattr('b', 'eq', same)",
    "numbers | select('in', numbers)",
    "numbers | map('string')",
    "numbers | batch(1) | flatten",
    "numbers | zip(numbers)",
    "numbers | reverse",
    "numbers | join",
    "numbers | sum",
    "numbers | min",
    "numbers is all",
    "rows is subset(same)",
    "almost | sort",
    "almost | max",
    "almost | map('upper')",
    "almost | unique",
    "texts | map('int')",
    "texts | map('hash')",
    "text | upper",
    "text | title",
    "text | replace('x', 'y')",
    "text | split('x')",
    "text | splitlines",
    "text | hash",
    "text[0:900000] | b64encode",
    "text[0:300000] | urlencode",
    "text is lower",
    "text is startswith('y')",
    "object | dictsort",
    "object | dict2items | items2dict",
    "object | combine(object)",
    "object | items",
    "instants | map('timestamp')",
    "instants | map('shift', '1d')",
    "instants | select('before', '2031-01-01')",
    "instants | map('strftime', '%Y')",
    "a is search('(a{1,40}){1,40}b')",
    "a is match('(a+)+b')",
    "1 < numbers[0:] | length < 5",
]


@pytest.mark.parametrize("labour", LABOURS)
def test_work_that_is_repeated_often_enough_is_given_up(labour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "STEPS", 100_000)  # a tenth, so that the test is done sooner
    often = (9_900 - len(labour)) // (len(labour) + 14)
    expression = f"[{','.join([f'({labour}) is defined'] * often)}]"
    with pytest.raises(ThreadloomError, match="100,000 steps"):
        for _ in range(10):  # a thousand expressions in a template count together, as do a few
            render([f"{{{{ {expression} }}}}"] * 10, BIG)


def test_looking_at_large_data_once_is_within_the_budget() -> None:
    for expression in (
        "rows",
        "rows | length",
        "text | length",
        "numbers | first",
        "rows[5].b",
        "object.x | default(1)",
    ):
        render([f"{{{{ {expression} }}}}"] * 1_000, BIG)
    assert evaluate("rows | selectattr('a', 'gt', 10) | map(attribute='a') | sum", BIG) > 0
    assert len(evaluate("rows | tojson", BIG)) > 0
