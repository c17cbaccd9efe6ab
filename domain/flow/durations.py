"""Durations as flow files and command lines write them: `250ms 30s 5m 2h 7d`, sums of these, or ISO 8601."""

from __future__ import annotations

import re
from datetime import timedelta

from domain.flow.diagnostics import HINTS, DiagnosticCode, HintedError

LONGEST = timedelta(days=36_500)

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PART = r"[0-9]+(?:\.[0-9]+)?"
_SHORT_FORM = rf"(?:{_PART}(?:ms|s|m|h|d|w))+"
_ISO_FORM = rf"P(?=.)(?:({_PART})W)?(?:({_PART})D)?(?:T(?=.)(?:({_PART})H)?(?:({_PART})M)?(?:({_PART})S)?)?"
_SHORT = re.compile(rf"{_SHORT_FORM}\Z")
_SHORT_PART = re.compile(rf"({_PART})(ms|s|m|h|d|w)")
_ISO = re.compile(rf"{_ISO_FORM}\Z")

PATTERN = rf"^(?:{_SHORT_FORM}|{_ISO_FORM})$"
"""The form of a duration as editors check it."""
MAX_CHARACTERS = 64


def parse_duration(text: str) -> timedelta:
    """Parse a duration of at most a hundred years.

    Raises:
        HintedError: The text is no duration, or too long a one.
    """
    if len(text) <= MAX_CHARACTERS:
        if _SHORT.match(text):
            seconds = sum(float(number) * _UNITS[unit] for number, unit in _SHORT_PART.findall(text))
            return _bounded(text, seconds)
        if iso := _ISO.match(text):
            factors = (_UNITS["w"], _UNITS["d"], _UNITS["h"], _UNITS["m"], _UNITS["s"])
            seconds = sum(float(part) * factor for part, factor in zip(iso.groups(), factors, strict=True) if part)
            return _bounded(text, seconds)
    raise HintedError(f"{text[:40]!r} is no duration", HINTS[DiagnosticCode.BAD_DURATION])


def format_duration(value: timedelta) -> str:
    """The shortest exact form that `parse_duration` reads back, to the millisecond."""
    milliseconds = round(value.total_seconds() * 1000)
    parts = []
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _bounded(text: str, seconds: float) -> timedelta:
    if seconds > LONGEST.total_seconds():
        raise HintedError(f"{text[:40]!r} is longer than {LONGEST.days} days", f"write at most {LONGEST.days}d")
    return timedelta(seconds=seconds)
