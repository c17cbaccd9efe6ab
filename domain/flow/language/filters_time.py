"""Filters over instants (ISO 8601 texts) and durations. No clock: the only present is the `now` of the scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from domain.flow.durations import format_duration, parse_duration
from domain.flow.language.arguments import number, text
from domain.flow.language.budget import spend

_DIRECTIVE = re.compile(r"%(?:[YmdHMSfjyIpzuVG%])")
_READ = {
    "%Y": r"(?P<Y>\d{4})",
    "%m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{1,2})",
    "%H": r"(?P<H>\d{1,2})",
    "%M": r"(?P<M>\d{1,2})",
    "%S": r"(?P<S>\d{1,2})",
    "%f": r"(?P<f>\d{1,6})",
    "%z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "%%": "%",
}
_LEAST = {"Y": "1900", "m": "1", "d": "1", "H": "0", "M": "0", "S": "0", "f": "0", "z": "Z"}
_MAX_FORM = 100
_READ_DIRECTIVE = re.compile(r"%.?", re.DOTALL)


def timestamp(value: Any) -> float:
    """Seconds since 1970-01-01T00:00Z."""
    return parse_instant("timestamp", value).timestamp()


def instant(value: Any) -> str:
    """The instant, in UTC, that many seconds after 1970-01-01T00:00Z."""
    return _iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number("instant", value)))


def shift(value: Any, duration: Any) -> str:
    """The instant that much later, or earlier with a minus sign."""
    amount = text("shift", duration).strip()
    earlier = amount.startswith("-")
    delta = parse_duration(amount.lstrip("-") if earlier else amount)
    moment = parse_instant("shift", value)
    spend(4)
    return _iso(moment - delta if earlier else moment + delta)


def seconds(value: Any) -> float:
    """The seconds of a duration such as `5m`."""
    return parse_duration(text("seconds", value)).total_seconds()


def duration(value: Any) -> str:
    """The duration of that many seconds, as flows write it."""
    amount = number("duration", value)
    if amount < 0:
        raise ValueError("`duration` takes a number that is not negative")
    return format_duration(timedelta(seconds=amount))


def strftime(value: Any, form: Any) -> str:
    """The instant in the given form, of `%Y %m %d %H %M %S %f %j %y %I %p %z %u %V %G`."""
    template = text("strftime", form)
    if len(template) > _MAX_FORM:
        raise ValueError(f"`strftime` takes a form of at most {_MAX_FORM} characters")
    if _DIRECTIVE.sub("", template).count("%"):
        raise ValueError("`strftime` knows %Y %m %d %H %M %S %f %j %y %I %p %z %u %V %G and %%")
    return parse_instant("strftime", value).strftime(template)


def strptime(value: Any, form: Any) -> str:
    """The instant that a text in the given form, of `%Y %m %d %H %M %S %f %z`, names; in UTC without `%z`."""
    written, template = text("strptime", value), text("strptime", form)
    match = _reader(template).fullmatch(written) if len(written) <= _MAX_FORM else None
    if match is None:
        raise ValueError(f"`strptime` finds no {template!r} in {written[:40]!r}")
    found = _LEAST | match.groupdict()
    day = "-".join(found[name].zfill(2) for name in "Ymd")
    time = ":".join(found[name].zfill(2) for name in "HMS")
    return _iso(parse_instant("strptime", f"{day}T{time}.{found['f'].ljust(6, '0')}{found['z']}"))


def since(value: Any, other: Any) -> float:
    """The seconds from the other instant to this one; negative when this one is earlier."""
    return (parse_instant("since", value) - parse_instant("since", other)).total_seconds()


def parse_instant(name: str, value: Any) -> datetime:
    """The instant that an ISO 8601 text names; one without an offset is in UTC.

    Raises:
        ValueError: The text is no instant; the message names the filter or field `name`.
    """
    spend(4)
    written = text(name, value)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(
            f"`{name}` takes an ISO 8601 instant such as 2030-01-31T08:00Z, not {written[:40]!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(maxsize=256)
def _reader(form: str) -> re.Pattern[str]:
    directives = _READ_DIRECTIVE.findall(form)
    if len(form) > _MAX_FORM or not set(directives) <= _READ.keys() or len(set(directives)) < len(directives):
        raise ValueError(f"`strptime` knows %Y %m %d %H %M %S %f %z and %%, each once, in {_MAX_FORM} characters")
    constants = [re.escape(constant) for constant in _READ_DIRECTIVE.split(form)]
    patterns = [*(_READ[directive] for directive in directives), ""]
    return re.compile("".join(part for pair in zip(constants, patterns, strict=True) for part in pair), re.ASCII)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


TIME_FILTERS: Mapping[str, Callable[..., Any]] = {
    "timestamp": timestamp,
    "instant": instant,
    "shift": shift,
    "seconds": seconds,
    "duration": duration,
    "strftime": strftime,
    "strptime": strptime,
    "since": since,
}
