"""Filters over instants (ISO 8601 texts) and durations. No clock: the only present is the `now` of the scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.flow.durations import format_duration, parse_duration
from domain.flow.language.arguments import number, text

_DIRECTIVE = re.compile(r"%(?:[YmdHMSfjyIpz%])")


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
    """The instant in the given form, of `%Y %m %d %H %M %S %f %j %y %I %p %z`."""
    template = text("strftime", form)
    if len(template) > 100:
        raise ValueError("`strftime` takes a form of at most 100 characters")
    if _DIRECTIVE.sub("", template).count("%"):
        raise ValueError("`strftime` knows %Y %m %d %H %M %S %f %j %y %I %p %z and %%")
    return parse_instant("strftime", value).strftime(template)


def parse_instant(name: str, value: Any) -> datetime:
    """The instant that an ISO 8601 text names; one without an offset is in UTC.

    Raises:
        ValueError: The text is no instant; the message names the filter or field `name`.
    """
    written = text(name, value)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(
            f"`{name}` takes an ISO 8601 instant such as 2030-01-31T08:00Z, not {written[:40]!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


TIME_FILTERS: Mapping[str, Callable[..., Any]] = {
    "timestamp": timestamp,
    "instant": instant,
    "shift": shift,
    "seconds": seconds,
    "duration": duration,
    "strftime": strftime,
}
