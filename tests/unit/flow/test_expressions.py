from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import (
    evaluate,
    expression_references,
    holds,
    is_template,
    path_references,
    references,
    render,
)

SCOPE: dict[str, Any] = {
    "rows": [{"n": 1}, {"n": 2}],
    "name": "Ada",
    "flag": True,
    "nothing": None,
    "evil": "{{ 1 + 1 }}{% if %}",
    "input": {"path": "flights.json", "keys": 7},
}


class OneShelf(Mapping[str, Any]):
    """A scope with an entry that must not be built."""

    def __getitem__(self, key: str) -> Any:
        if key == "cheap":
            return 1
        if key == "expensive":
            raise AssertionError("it was built and nobody reads it")
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("cheap", "expensive"))

    def __len__(self) -> int:
        return 2


def message_of(expression: str, scope: Mapping[str, Any] = SCOPE) -> str:
    with pytest.raises(ThreadloomError) as caught:
        evaluate(expression, scope)
    assert caught.value.code == Code.EXPRESSION_ERROR
    return caught.value.message


def test_one_expression_keeps_its_type() -> None:
    assert render("{{ rows }}", SCOPE) is SCOPE["rows"]
    assert render("{{ rows | length }}", SCOPE) == 2
    assert render("{{ nothing }}", SCOPE) is None
    assert render("{{ flag }}\n", SCOPE) is True


def test_inside_text_values_stand_as_json() -> None:
    template = "{{ name }}: {{ flag }}, {{ nothing }}, {{ 1.5 }}, {{ rows }}, {{ 'a' ~ false }}"
    assert render(template, SCOPE) == 'Ada: true, null, 1.5, [{"n":1},{"n":2}], afalse'


def test_templates_are_rendered_at_any_depth_and_constants_are_not_copied() -> None:
    constant = {"a": [1, {"b": "text"}]}
    template = {"kept": constant, "made": [["{{ name }}"]]}
    rendered = render(template, SCOPE)
    assert rendered == {"kept": constant, "made": [["Ada"]]}
    assert rendered["kept"] is constant
    assert render(constant, SCOPE) is constant


def test_keys_are_not_templates() -> None:
    assert render({"{{ name }}": "{{ name }}"}, SCOPE) == {"{{ name }}": "Ada"}


def test_values_are_never_evaluated() -> None:
    assert render("{{ evil }}", SCOPE) == SCOPE["evil"]
    assert render("{{ [evil] }}", SCOPE) == [SCOPE["evil"]]
    assert render("<{{ evil }}>", SCOPE) == f"<{SCOPE['evil']}>"
    assert render("{{ '{{ name }}' }}", SCOPE) == "{{ name }}"


def test_braces_and_quotes_inside_an_expression_do_not_end_it() -> None:
    assert render("{{ {'a': {'b': name}} }}", SCOPE) == {"a": {"b": "Ada"}}
    assert render("{{ '}}' }}!", SCOPE) == "}}!"
    assert render("a }} b", SCOPE) == "a }} b"
    assert render("{{ 'it\\'s' }}", SCOPE) == "it's"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% if flag %}", "statements"),
        ("{# note #}", "comments"),
        ("{{ name", "not closed"),
        ("{{ name }", "not closed"),
        ("{{ 'name }}", "quote"),
        ("{{- name }}", "space before a sign"),
        ("{{ name -}}", "space before a sign"),
        ("{{ }}", "unexpected"),
        ("{{ '\\d' }}", "no escape"),
        ("{{ (name }}", "closes nothing"),
    ],
)
def test_malformed_templates_are_refused_with_a_reason(template: str, said: str) -> None:
    with pytest.raises(ThreadloomError, match=said) as caught:
        render(template, SCOPE)
    assert caught.value.code == Code.EXPRESSION_ERROR


def test_a_dot_reads_keys_and_only_keys() -> None:
    assert evaluate("input.keys", SCOPE) == 7
    assert evaluate("input['keys']", SCOPE) == 7
    assert evaluate("rows[1].n", SCOPE) == 2
    assert evaluate("rows[-1].n", SCOPE) == 2
    assert "no key 'upper'" in message_of("name.upper")


def test_what_is_missing_is_named_with_what_is_near() -> None:
    assert message_of("rowz | length") == "`rowz | length`: 'rowz' is not defined; did you mean 'rows'?"
    assert "no key 'pth'; did you mean 'path'?" in message_of("input.pth")
    assert "no item 9" in message_of("rows[9]")
    assert "did you mean 'length'?" in message_of("rows | lenght")
    assert "did you mean 'defined' or 'undefined'?" in message_of("rows is defind")
    assert "written `none`" in message_of("null")


def test_missing_values_can_be_asked_about() -> None:
    assert evaluate("rowz is defined", SCOPE) is False
    assert evaluate("input.pth | default('-')", SCOPE) == "-"
    assert evaluate("[] | first | default(0)", SCOPE) == 0


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("1 / 0", "division by zero"),
        ("flag + 1", "a boolean and a number"),
        ("name * name", "does not take"),
        ("[1] * 3", "does not take a list and a number"),
        ("'%s' % 1", "the filter `format`"),
        ("name < 1", "instances of text and number"),
        ("{1: 2}", "keys of an object are text"),
        ("1e999", "too large"),
        ("1e308 * 10", "not a finite number"),
        ("(-8) ** 0.5", "not a real number"),
        ("1 if flag", "needs an `else`"),
        ("name | replace", "missing a required argument"),
        ("name | upper(1)", "too many positional arguments"),
        ("name | map('upper')", "takes a list, not text"),
        ("rows | map('nosuch')", "knows no filter"),
        ("rows | select('nosuch')", "knows no test"),
        ("rows | sort", "compares numbers or texts, not an object"),
        ("'x' | int", "finds no number"),
        ("rows | int", "finds no number in a list"),
        ("'1e999' | int", "finds no number"),
        ("'x' | float", "finds no number"),
        ("name ** 2", "does not take text and a number"),
        ("rows % 2", "does not take a list and a number"),
        ("input[1]", "no key 1"),
        ("rows['n']", "a list has no key 'n'"),
        ("[1] | select('divisibleby', 0)", "division by zero"),
        ("'x' | fromjson", "finds no JSON"),
        ("'soon' | timestamp", "ISO 8601"),
        ("'%z%q' | format(1)", "`format` knows"),
        ("'%s' | format", "needs 1 values"),
        ("name | round", "takes a number, not text"),
        ("1.5 | round(0, 'up')", "'common', 'ceil' or 'floor'"),
        ("1 | round(99)", "precision"),
        ("'abc' | replace('', 'x')", "needs a text to look for"),
        ("'abc' | truncate(0)", "room for its end mark"),
        ("-1 | duration", "not negative"),
        ("'5 minutes' | seconds", "no duration"),
        ("now | strftime('%Q')", "strftime"),
        ("rows | batch(0)", "at least 1"),
        ("1 2", "not expected"),
        ("range('a')", "takes a number"),
        ("5 | empty", "no filter"),
        ("5 is empty", "takes text, a list or an object"),
        ("1 is in(2)", "takes text, a list or an object"),
        ("5 | keys", "takes an object"),
        ("5 | length", "takes text, a list or an object"),
        ("1.5 is odd", "whole number"),
        ("rows | map(attribute=[1])", "not a list"),
        ("rows | map('upper', attribute='n')", "not both"),
    ],
)
def test_failures_say_what_is_wrong(expression: str, said: str) -> None:
    assert said in message_of(expression, {**SCOPE, "now": "2030-01-31T08:00:00Z"})


def test_conditions_give_booleans_and_nothing_else() -> None:
    assert holds("rows | length > 1", SCOPE) is True
    assert holds("not flag", SCOPE) is False
    with pytest.raises(ThreadloomError, match="true or false, not a list"):
        holds("rows", SCOPE)


def test_only_names_that_are_used_are_looked_up() -> None:
    assert evaluate("cheap + 1", OneShelf()) == 2
    assert render("{{ cheap }}", OneShelf()) == 1
    assert "did you mean 'cheap'?" in message_of("cheep", OneShelf())


def test_lazy_objects_become_plain_ones() -> None:
    assert type(evaluate("shelf", {"shelf": LazyNodes()})) is dict
    assert evaluate("shelf.load.status", {"shelf": LazyNodes()}) == "completed"


class LazyNodes(Mapping[str, Any]):
    """Like the `nodes` of a thread, an object that is not a dict."""

    def __getitem__(self, key: str) -> Any:
        return {"load": {"status": "completed"}}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("load",))

    def __len__(self) -> int:
        return 1


def test_values_that_are_not_json_are_refused() -> None:
    assert "not JSON" in message_of("[x]", {"x": object()})
    assert "not a finite number" in message_of("[x]", {"x": float("nan")})


def test_failures_of_the_scope_are_expression_errors() -> None:
    class Broken(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise OSError("gone")

    assert "gone" in message_of("x", Broken())


def test_references_are_the_names_from_the_scope() -> None:
    assert expression_references("rows | map(attribute='n') | sum + range(limit) | length") == {"rows", "limit"}
    assert references({"a": ["{{ x.y }} {{ z }}"], "b": "w"}) == {"x", "z"}


def test_paths_are_the_keys_that_are_written_down() -> None:
    expression = "nodes.load.error.code == 'X' or nodes['x'].visits > input.limit or nodes[input['name']].status"
    nodes = {("nodes", "load"), ("nodes", "load", "error"), ("nodes", "load", "error", "code"), ("nodes", "x")}
    assert path_references(expression) == nodes | {("nodes", "x", "visits"), ("input", "limit"), ("input", "name")}
    assert path_references("rows[0].n + (rows | first).n + ({'a': 1}).a + rows") == frozenset()


def test_a_template_is_what_rendering_would_change() -> None:
    assert is_template({"a": ["{{ x }}"]})
    assert is_template("{% x %}")
    assert not is_template({"a": ["x }}", 1, None]})


def test_comparisons_in_a_row_are_all_made_and_stop_at_the_first_that_does_not_hold() -> None:
    assert evaluate("1 < 2 < 3 <= 3 != 4", {}) is True
    assert evaluate("1 < 3 < 2", {}) is False
    assert evaluate("2 < 1 < 1 / 0", {}) is False
    assert evaluate("1 in [1] == [1]", {}) is True


@pytest.mark.parametrize("expression", ["1 < (2 < 3) < 4", "1 < [x == 2] | length < 3"])
def test_comparisons_in_a_row_that_nest_are_refused(expression: str) -> None:
    assert "write `and` between them" in message_of(expression)


def test_slices_take_texts_and_lists() -> None:
    assert evaluate("rows[1:]", SCOPE) == [{"n": 2}]
    assert evaluate("name[::-1]", SCOPE) == "adA"
    assert "takes text or a list, not an object" in message_of("input[1:]")
    assert "whole number" in message_of("rows[1.5:]")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("'x' | bool", "finds no boolean"),
        ("[] | bool", "finds no boolean"),
        ("'?' | b64decode", "no text in Base64"),
        ("'/w==' | b64decode", "no text in Base64"),
        ("'x' | hash('md5')", "knows sha256 and sha512"),
        ("'1' | strptime('%A')", "each once"),
        ("'1 1' | strptime('%d %d')", "each once"),
        ("'x' | strptime('%d')", "finds no '%d' in 'x'"),
        ("'2030-31-01' | strptime('%Y-%m-%d')", "ISO 8601"),
        ("{'a': 1} | dictsort('x')", "sorts by"),
        ("[1] | items2dict", "has no key"),
        ("[[1, 2]] | items2dict", "takes text, not a number"),
        ("[1] | flatten(0)", "1 to 20 levels"),
        ("'x' is match('(')", "malformed"),
        ("'x' is match('a)|(b')", "malformed"),
        ("'x' is search('(?=x)')", "look-around"),
        ("('x' * 10001) is search('x')", "10,000 characters"),
        ("[] | avg + 1", "empty list"),
        ("[] | min + 1", "empty list"),
        ("1 | list", "takes a list"),
        ("'x' | float", "finds no number"),
        ("1 is in('x')", "takes text"),
        ("1 is in(5)", "takes text, a list or an object"),
        ("{} | combine(5)", "takes an object"),
    ],
)
def test_what_filters_and_tests_do_not_take_is_said(expression: str, said: str) -> None:
    assert said in message_of(expression)


def test_filters_of_lists_know_those_of_objects_and_codecs() -> None:
    assert evaluate("[{'a': 1}, {}] | map('keys')", {}) == [["a"], []]
    assert evaluate("[[1], {}] | map('to_json')", {}) == ["[1]", "{}"]


def test_objects_are_combined_without_changing_them() -> None:
    scope = {"x": {"a": {"b": 1}}, "y": {"a": {"c": 2}}}
    assert evaluate("x | combine(y, recursive=true)", scope) == {"a": {"b": 1, "c": 2}}
    assert evaluate("x | combine(y)", scope) == {"a": {"c": 2}}
    assert scope == {"x": {"a": {"b": 1}}, "y": {"a": {"c": 2}}}


def test_instants_are_compared_across_offsets() -> None:
    assert evaluate("'2030-01-01T01:00:00+02:00' is before('2030-01-01')", {}) is True
    assert evaluate("'2030-01-01T01:00:00+02:00' | since('2030-01-01')", {}) == -3600.0
    assert evaluate("'1 2030 +0130' | strptime('%m %Y %z')", {}) == "2030-01-01T00:00:00+01:30"


def test_objects_that_nest_too_deep_are_not_combined() -> None:
    deep: Any = {}
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(ThreadloomError, match="nest at most 50 deep"):
        evaluate("x | combine(x, recursive=true)", {"x": deep})


def test_expressions_of_one_template_share_a_budget() -> None:
    scope = {"rows": list(range(300_000))}
    assert evaluate("rows | sum", scope) > 0
    with pytest.raises(ThreadloomError, match="1,000,000 steps"):
        render(["{{ rows | sum }}"] * 4, scope)
    assert evaluate("rows | sum", scope) > 0
