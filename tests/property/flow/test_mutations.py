"""Ten thousand flows with something wrong in them: each has its problems named, and none raises or hangs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import render
from domain.flow.graph import mermaid
from domain.flow.loader import load_flow
from domain.flow.parse import analyse, parse_flow
from domain.flow.reader import read_source
from domain.flow.structure import KINDS
from domain.flow.templated import hook_sites, sites_of
from domain.values import is_json

ROOT = Path(__file__).parents[3]
FILES = [*sorted((ROOT / "examples").glob("*/flow.yaml")), *sorted((ROOT / "tests" / "data").glob("*.yaml"))]
TEXTS = [path.read_text(encoding="utf-8") for path in FILES]
TEXT_MUTATIONS = 2_500
DOCUMENT_MUTATIONS = 7_500
PARTS = 5

NAMES = ["next", "to", "when", "kind", "save", "result", "item", "index", "loop", "numbers", "x", "é", "a-b", ""]
TOKENS = ["{{ ", " }}", "{%", "{", "}", "[", "]", ": ", "- ", "'", '"', "#", "&a ", "*a", "!!int ", "|\n", "\t", "\0"]
EXPRESSIONS = [
    "{{ 'x' * 10 ** 9 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ range(10 ** 9) }}",
    "{{ numbers | select('in', numbers) }}",
    "{{ " + "(" * 300 + "1" + ")" * 300 + " }}",
    "{{ " + "1 + " * 500 + "1 }}",
    "{{ x.__class__ }}",
    "{{ nodes.nowhere.result }}",
    "{{ item }} {{ index }} {{ result }} {{ message }}",
    "{{ now | map('x') }}",
    "{{",
    "}}",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    10**300,
    "",
    "x" * 20_000,
    "\ud800",
    [],
    {},
    [[]],
    {"": None},
    {"secret": "X"},
    ["x"] * 200,
    {f"k{n}": n for n in range(200)},
    *KINDS,
    *NAMES,
    *EXPRESSIONS,
]


def documents() -> list[Any]:
    return [source.root.value for text in TEXTS if (source := read_source(text, as_json=False)).root]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all parts of a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from places(part, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def mutated_document(document: Any, chance: Random) -> Any:
    """The document with one to three of its parts taken away, replaced, renamed, moved, doubled or nested."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        every = list(places(document))
        if not every:
            return document
        *way, key = chance.choice(every)
        holder = at(document, tuple(way))
        match chance.randrange(8):
            case 0:
                del holder[key]
            case 1:
                holder[key] = copy.deepcopy(chance.choice(VALUES))
            case 2:
                holder[key] = copy.deepcopy(at(document, chance.choice(every)))
            case 3 if isinstance(holder, dict):
                holder[chance.choice([*NAMES, str(key)[:-1], f"{key}s"])] = holder.pop(key)
            case 4 if isinstance(holder, dict):
                holder[chance.choice(NAMES)] = copy.deepcopy(chance.choice(VALUES))
            case 5 if isinstance(holder[key], str) and holder[key]:
                holder[key] = mutated_text(holder[key], chance)
            case 6:
                for _ in range(chance.choice([1, 3, 120])):
                    holder[key] = [holder[key]]
            case _:
                node = document.get("nodes")
                if isinstance(node, dict) and node and isinstance(one := node[chance.choice(list(node))], dict):
                    one["kind"] = chance.choice(list(KINDS))
    return document


def mutated_text(text: str, chance: Random) -> str:
    """The text with a few characters, tokens or lines taken away, put in, doubled or moved."""
    for _ in range(chance.choice([1, 1, 2, 4])):
        where = chance.randrange(len(text) + 1)
        lines = text.splitlines(keepends=True) or [""]
        line = chance.randrange(len(lines))
        match chance.randrange(8):
            case 0:
                text = text[:where] + text[where + chance.choice([1, 1, 2, 10]) :]
            case 1:
                text = text[:where] + chance.choice(TOKENS) + text[where:]
            case 2:
                text = text[:where] + chance.choice(EXPRESSIONS) + text[where:]
            case 3:
                text = "".join(lines[:line] + lines[line + 1 :])
            case 4:
                text = "".join([*lines[:line], lines[line], *lines[line:]])
            case 5:
                text = "".join([*lines[:line], " " * chance.randrange(4) + lines[line].lstrip(" "), *lines[line + 1 :]])
            case 6:
                chance.shuffle(lines)
                text = "".join(lines)
            case _:
                text = text[:where]
    return text


@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_texts_load_or_have_their_problems_named(part: int) -> None:
    chance = Random(part)
    for _ in range(TEXT_MUTATIONS // PARTS):
        text = mutated_text(chance.choice(TEXTS), chance)
        loaded = load_flow(text, "f.yaml")
        assert loaded.valid == (loaded.flow is not None), text
        for problem in loaded.problems:
            assert problem.line >= 1, text
            assert problem.column >= 1, text
            assert len(str(problem).splitlines()) == 1, text
        if loaded.flow is not None:
            mermaid(loaded.flow)


@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_documents_parse_or_have_their_problems_named(part: int) -> None:
    chance = Random(1_000 + part)
    originals = documents()
    for _ in range(DOCUMENT_MUTATIONS // PARTS):
        document = mutated_document(chance.choice(originals), chance)
        try:
            mermaid(parse_flow(document))
        except ThreadloomError as error:
            assert error.code == Code.FLOW_INVALID
            assert any(problem["severity"] == "error" for problem in error.details["problems"])


def test_expressions_of_mutated_flows_give_json_or_an_expression_error() -> None:
    chance = Random(0)
    originals = documents()
    scope = {"input": {"url": "x", "numbers": [1, 2]}, "numbers": [1, 2], "total": 1, "log": [], "result": {"a": [1]}}
    rendered = 0
    for _ in range(500):
        flow = analyse(mutated_document(chance.choice(originals), chance)).flow
        sites = [*hook_sites(flow), *(site for node in flow.nodes.values() for site in sites_of(node))] if flow else []
        for site in sites:
            rendered += 1
            if site.path[0] in ("query", "headers"):  # these hold secrets, which are no JSON
                continue
            try:
                assert is_json(render(f"{{{{ {site.value} }}}}" if site.bare else site.value, scope))
            except ThreadloomError as error:
                assert error.code == Code.EXPRESSION_ERROR
    assert rendered > 1_000
