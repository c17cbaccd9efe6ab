"""What to do about a text that is no YAML. The library says where it gave up; people want to know what to write."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import events
from ruamel.yaml.error import MarkedYAMLError

_QUOTE = "quote texts that hold `: `, ` #`, quotes or braces, and every expression"
_CLOSING = {"{": "}", "[": "]"}
_FOUND = re.compile(r"but (?:got|found) '(?P<token>.*)'\Z")


def yaml_hint(error: MarkedYAMLError, text: str, last: Any) -> str:
    """What to write instead.

    Args:
        error: Why the text could not be read on.
        text: The text.
        last: The event that was read last; a quote that was left open ends it at the next quote.
    """
    context, problem = error.context or "", error.problem or ""
    begun, mark = error.context_mark, error.problem_mark
    if _at(text, mark) == "\t":
        return "write spaces instead of the tab; nothing is indented with tabs"
    if "quoted scalar" in context and "end of stream" in problem:
        return f"close the quote {_at(text, begun)} {_place(begun)}"
    if mark is not None and _runs_on(last) and last.end_mark.index == mark.index:
        return f"close the quote {_at(text, last.start_mark)} {_place(last.start_mark)}; it ends at the next one only"
    if "unknown escape" in problem:
        return "write `\\\\` for a backslash, or put the text into single quotes"
    if "cannot start any token" in problem:
        return "quote texts that begin with this character"
    if "could not find expected ':'" in problem:
        return "write `key: value`"
    if context == "while parsing a flow node" or "sequence entries" in problem:
        return "begin the list in a line of its own, or write `[item, item]`"
    found = _FOUND.search(problem)
    if found and _at(text, begun) in _CLOSING:
        return _unclosed(error, _at(text, begun), found["token"])
    if found and found["token"] in ("}", "]"):
        return f"take the `{found['token']}` out: it closes nothing"
    if found and (found["token"].endswith("start>") or found["token"] == "-"):
        return "indent it like the lines it belongs to"
    return _QUOTE


def _unclosed(error: MarkedYAMLError, opening: str, token: str) -> str:
    """Between braces or brackets something comes that does not belong there."""
    close = f"close the `{opening}` {_place(error.context_mark)} with `{_CLOSING[opening]}`"
    if token in ("}", "]"):
        return f"{close} first, or take the `{token}` out"
    if token == "<stream end>":
        return close
    if error.problem_mark.line > error.context_mark.line:
        return f"{close}, or write a comma before this"
    return f"write a comma before this, or {_QUOTE}"


def _runs_on(event: Any) -> bool:
    """Whether it is a text in quotes over several lines."""
    quoted = isinstance(event, events.ScalarEvent) and event.style in ("'", '"')
    return quoted and event.end_mark.line > event.start_mark.line


def _at(text: str, mark: Any) -> str:
    return "" if mark is None else text[mark.index : mark.index + 1]


def _place(mark: Any) -> str:
    return f"of line {mark.line + 1}, column {mark.column + 1}"
