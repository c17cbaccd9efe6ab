"""How things look: one place for marks, colours, times and tables."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from domain.values import Json

LONG_VALUE = 200
"""Characters of a value that fit into an overview."""

_MARKS = {
    "active": ("●", "green"),
    "running": ("●", "green"),
    "pending": ("○", "cyan"),
    "draft": ("○", "cyan"),
    "inactive": ("○", "cyan"),
    "requested": ("○", "cyan"),
    "scheduled": ("○", "cyan"),
    "pausing": ("◐", "yellow"),
    "paused": ("‖", "yellow"),
    "closing": ("◐", "yellow"),
    "terminating": ("◐", "yellow"),
    "backing_off": ("↻", "yellow"),
    "completed": ("✓", "green"),
    "closed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("⊘", "magenta"),
    "terminated": ("⊘", "magenta"),
    "skipped": ("⊘", "magenta"),
    "archived": ("⊘", "magenta"),
}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # Rich would end the process with a status of its own; who prints decides that.
        raise BrokenPipeError


def console() -> Console:
    """A console on stdout: colours on a terminal only, and nothing in a text means more than it says."""
    return _Console(markup=False, highlight=False, emoji=False)


def status(name: str) -> Text:
    """A status with its mark, which tells it without colours too."""
    mark, colour = _MARKS.get(name, ("•", "white"))
    return Text(f"{mark} {name}", style=colour)


def at(moment: datetime | str | None) -> str:
    """An instant in UTC, to the second; empty for none."""
    if moment is None:
        return ""
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(value: float | None) -> str:
    """A length of time as people read it; empty for none."""
    if value is None:
        return ""
    if value < 60:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    shown = [f"{count}{unit}" for count, unit in parts if count]
    return " ".join(shown[:2])


def value(data: Json, limit: int = LONG_VALUE) -> str:
    """JSON on one line, cut when it is long; a value too large to be shown tells its size."""
    if isinstance(data, dict) and data.get("elided") is True and "bytes" in data:
        return f"({data['bytes']:,} bytes; `thread variables` and `thread result` print it whole)"
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def plain(text: object) -> str:
    """A text of unknown origin, without what would move a terminal's cursor; empty for None."""
    return "" if text is None else "".join("�" if _is_control(char) else char for char in str(text))


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"


def table(*columns: str, right: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """An empty table; the columns named in `right` hold numbers, those in `whole` are never broken into lines."""
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(column, justify=justify, overflow="fold", no_wrap=column in (*right, *whole))
    return made


def facts(pairs: Mapping[str, Any]) -> Table:
    """Names and values below each other; those without a value are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, shown in pairs.items():
        if shown not in (None, "", [], {}):
            grid.add_row(name, shown if isinstance(shown, Text | Table) else plain(shown))
    return grid


def heading(text: str) -> Text:
    """The title of a part."""
    return Text(text, style="bold")
