"""The search attributes by which sessions and threads are found in Temporal."""

from __future__ import annotations

from typing import Literal

SESSION = "ThreadloomSession"
STATUS = "ThreadloomStatus"
FLOW = "ThreadloomFlow"
HELD = "ThreadloomHeld"

TYPES: dict[str, Literal["Keyword", "Bool"]] = {SESSION: "Keyword", STATUS: "Keyword", FLOW: "Keyword", HELD: "Bool"}
"""Temporal's type of each. A workflow that sets one which is not registered waits for ever, so whoever
starts a session looks first, and says in its start input whether they are there."""
