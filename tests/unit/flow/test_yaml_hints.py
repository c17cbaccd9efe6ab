"""What a person reads about a text that is no YAML: where, and what to write instead."""

from __future__ import annotations

import pytest

from domain.flow.loader import load_flow

HEAD = 'flow: f\nversion: "1"\nstart: a\nnodes:\n'
QUOTE = "quote texts that hold `: `, ` #`, quotes or braces, and every expression"
TAB = "write spaces instead of the tab; nothing is indented with tabs"
OPEN = 'close the quote " of line 5, column 25'


def hints(text: str, filename: str = "f.yaml") -> list[tuple[str, str | None]]:
    return [(f"{each.line}:{each.column}", each.hint) for each in load_flow(text, filename).problems]


@pytest.mark.parametrize(
    ("nodes", "place", "hint"),
    [
        ("\ta: {kind: end}\n", "5:1", TAB),
        ("  a:\n  \tkind: end\n", "6:3", TAB),
        ("  a:\n    kind: end\n    title: |\n\tlong\n", "8:1", TAB),
        ("  a: {kind: end\n", "6:1", "close the `{` of line 5, column 6 with `}`"),
        (
            "  a: {kind: decision, next: b\n  b: {kind: end}\n",
            "6:4",
            "close the `{` of line 5, column 6 with `}`, or write a comma before this",
        ),
        (
            "  a: {kind: decision, next: [b, c}\n  b: {kind: end}\n",
            "5:34",
            "close the `[` of line 5, column 29 with `]` first, or take the `}` out",
        ),
        (
            "  a:\n    kind: decision\n    next: [{to: b}, {to: b}\n  b: {kind: end}\n",
            "8:3",
            "close the `[` of line 7, column 11 with `]`, or write a comma before this",
        ),
        ("  a: {kind: end}}\n", "5:17", "take the `}` out: it closes nothing"),
        ('  a: {kind: end, title: "x}\n', "6:1", OPEN),
        (
            '  a: {kind: end, title: "x}\n  b: {kind: end, title: "y"}\n',
            "6:26",
            f"{OPEN}; it ends at the next one only",
        ),
        ("  a:\n    title: 'x\n    kind: end\n", "8:1", "close the quote ' of line 6, column 12"),
        ('  a: {kind: end, title: "a" b}\n', "5:29", f"write a comma before this, or {QUOTE}"),
        ("  a: {kind: decision next: a}\n", "5:26", f"write a comma before this, or {QUOTE}"),
        ("  a:\n    kind: end\n    title: one: two\n", "7:15", QUOTE),
        ("  a:\n    kind: end\n   title: x\n", "7:4", "indent it like the lines it belongs to"),
        ("  a: {kind: end}\n  b\n", "7:1", "write `key: value`"),
        (
            "  a:\n    kind: decision\n    next: - a\n",
            "7:11",
            "begin the list in a line of its own, or write `[item, item]`",
        ),
        ("  a: {kind: end, title: @x}\n", "5:25", "quote texts that begin with this character"),
        (
            '  a: {kind: end, title: "\\d"}\n',
            "5:27",
            "write `\\\\` for a backslash, or put the text into single quotes",
        ),
    ],
)
def test_the_hint_is_about_the_mistake(nodes: str, place: str, hint: str) -> None:
    assert hints(HEAD + nodes) == [(place, hint)]


def test_a_tab_inside_a_text_is_none_of_it() -> None:
    assert hints(HEAD + '  a: {kind: end, title: "one\ttwo"}\n') == []


def test_json_has_a_hint_of_its_own() -> None:
    hint = "write commas between members, none behind the last, and close every quote, bracket and brace"
    assert hints('{"flow": "f"', "f.json") == [("1:13", hint)]
