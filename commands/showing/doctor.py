"""A check-up as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from commands.showing.style import plain, table

if TYPE_CHECKING:
    from commands.doctor import Check


def checks(found: Sequence[Check]) -> RenderableType:
    """What was looked at, and what to do where it is not well."""
    made = table("", "what", "found", "to do")
    for check in found:
        made.add_row(_mark(check), check.name, plain(check.found), plain(check.remedy))
    return made


def _mark(check: Check) -> Text:
    if check.code is not None:
        return Text("✗", style="red")
    return Text("✓", style="green") if check.remedy is None else Text("!", style="yellow")
