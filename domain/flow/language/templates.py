"""Cutting a text into what stands as it is and the expressions between `{{` and `}}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_EXPRESSION = 10_000
"""Characters of one expression."""

MAX_BRACKETS = 20
"""Depth of brackets in an expression. Parsing recurses, so depth is bounded where every caller's stack allows it."""

_TOKEN = re.compile(r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|["'(){}\[\]]""", re.DOTALL)
_BAD_ESCAPE = re.compile(r"""\\(?:\\|[\\'"nrtbf]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})|(\\.?)""", re.DOTALL)
_OPENING = {")": "(", "]": "[", "}": "{"}
_REFUSED = {"{%": "statements `{% … %}`", "{#": "comments `{# … #}`"}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """An expression inside a text, without its braces."""

    expression: str


def has_marks(text: str) -> bool:
    """Whether the text is more than a constant: it holds an expression, or something that is refused."""
    return "{{" in text or "{%" in text or "{#" in text


def split(text: str) -> list[str | Placeholder]:
    """The parts of the text, in order; no part is empty text.

    Raises:
        ValueError: An expression is not closed, or the text holds a statement or a comment.
    """
    parts: list[str | Placeholder] = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        _constant(parts, text[position:start])
        end = _end(text, start + 2)
        expression = text[start + 2 : end]
        if expression[:1] in ("-", "+") or expression[-1:] in ("-", "+"):
            raise ValueError("`{{-` and `-}}` are not supported; put a space before a sign")
        parts.append(Placeholder(expression.strip()))
        position = end + 2
    _constant(parts, text[position:])
    return parts


def check_brackets(expression: str) -> None:
    """Raise `ValueError` when quotes or brackets do not pair, or nest deeper than `MAX_BRACKETS`."""
    if len(expression) > MAX_EXPRESSION:
        raise ValueError(f"it has more than {MAX_EXPRESSION:,} characters")
    _scan(expression, 0, closed_by_braces=False)


def _constant(parts: list[str | Placeholder], text: str) -> None:
    for mark, name in _REFUSED.items():
        if mark in text:
            raise ValueError(f"{name} are not supported; to write the braces themselves, write {{{{ '{mark}' }}}}")
    if text:
        parts.append(text)


def _end(text: str, start: int) -> int:
    end = _scan(text, start, closed_by_braces=True)
    if end is None:
        raise ValueError("`{{` is not closed by `}}`")
    return end


def _scan(text: str, start: int, *, closed_by_braces: bool) -> int | None:
    """Where the expression that starts there is closed by `}}`; None when the text ends first."""
    open_brackets: list[str] = []
    position = start
    while match := _TOKEN.search(text, position, start + MAX_EXPRESSION + 2):
        position = match.end()
        token = match[0]
        if match["string"]:
            for escape in _BAD_ESCAPE.finditer(token):
                if escape[1]:
                    raise ValueError(f"{escape[1]} is no escape; write \\{escape[1]} for a backslash")
        elif token in "\"'":
            raise ValueError(f"the quote {token} is not closed")
        elif token in "([{":
            open_brackets.append(token)
            if len(open_brackets) > MAX_BRACKETS:
                raise ValueError(f"brackets nest deeper than {MAX_BRACKETS}")
        elif open_brackets and open_brackets[-1] == _OPENING[token]:
            open_brackets.pop()
        elif closed_by_braces and not open_brackets and text.startswith("}}", match.start()):
            return match.start()
        elif closed_by_braces and not open_brackets and token == "}":
            raise ValueError("`{{` is not closed by `}}`")
        else:
            raise ValueError(f"{token} closes nothing")
    if open_brackets and not closed_by_braces:
        raise ValueError(f"{open_brackets[-1]} is not closed")
    return None
