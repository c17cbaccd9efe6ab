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
        mark = Text("✓", style="green") if check.code is None else Text("✗", style="red")
        made.add_row(mark, check.name, plain(check.found), plain(check.remedy))
    return made
