"""Activities of the airline delays example: which airports let their flights leave late.

They need nothing but the standard library and temporalio. All are safe to run again: they compute
from their arguments or read a file, and the report replaces its file whole.
"""

import csv
import io
import json
import math
import re
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError

MAX_BYTES = 32 * 1024 * 1024
"""Largest file that is read: its rows travel in one variable."""

MAX_DELAY = 525_600
"""Longest delay that is believed, in minutes: a year."""

TYPICAL_MINIMUM = 10
"""Flights that an airport needs to be ranked, where the input does not say and the data allow it."""

EXAMPLES = 10
"""How many invalid records are described one by one."""

_SURPLUS = "(surplus)"


@dataclass(frozen=True)
class Flight:
    """One departure: where from, and the delay in minutes, negative when early."""

    origin: str
    delay: float


@dataclass(frozen=True)
class InvalidRecord:
    """A record that was left out: its place in the file, the first being 1, and the first thing wrong with it."""

    record: int
    reason: str


@dataclass(frozen=True)
class InvalidRecords:
    """How many records were left out, per reason (each counts once), and the first few of them."""

    count: int
    reasons: dict[str, int]
    examples: list[InvalidRecord]


@dataclass(frozen=True)
class ValidatedFlights:
    """The flights that can be counted on, in the file's order, and what was left out."""

    flights: list[Flight]
    invalid: InvalidRecords


@dataclass(frozen=True)
class AirportDelays:
    """Delays of the flights that leave one airport, in minutes; `late_share` is between 0 and 1.

    The name, city, state and country are None until `name_airports` has found them.
    """

    airport: str
    flights: int
    mean_delay: float
    median_delay: float
    max_delay: float
    late_share: float
    name: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None


@dataclass(frozen=True)
class Ranking:
    """The worst airports, the worst first, of the `ranked` ones that have `minimum_flights`."""

    minimum_flights: int
    ranked: int
    worst: list[AirportDelays]


@dataclass(frozen=True)
class ReportRequest:
    """What the report says, and where it goes: `folder` (the temporary one for None) / `name`.md."""

    name: str
    source: str
    late_after: float
    invalid: InvalidRecords
    airports: list[AirportDelays]
    ranking: Ranking
    folder: str | None = None


@dataclass(frozen=True)
class Report:
    """Where the report is."""

    path: str


@activity.defn(name="load_flights")
def load_flights(path: str) -> list[Any]:
    """Read the records of a JSON array or a CSV file with a header, as they stand there.

    Raises:
        ApplicationError: FILE_NOT_FOUND, or BAD_FILE for what is neither, or is a CSV without the
            columns origin and delay.
    """
    return _read_table(path, required={"origin", "delay"})


@activity.defn(name="validate_flights")
def validate_flights(rows: list[Any]) -> ValidatedFlights:
    """Keep the records that can be counted on; origin and delay are needed, other fields must make sense if given.

    Numbers may be numbers or text, as CSV has them, so that both formats give the same flights.
    """
    flights = []
    faults = []
    for record, row in enumerate(rows, start=1):
        if reason := _fault(row):
            faults.append(InvalidRecord(record, reason))
        else:
            flights.append(Flight(str(row["origin"]).strip().upper(), float(row["delay"])))
    reasons = Counter(fault.reason for fault in faults)
    return ValidatedFlights(flights, InvalidRecords(len(faults), dict(sorted(reasons.items())), faults[:EXAMPLES]))


@activity.defn(name="summarise_delays")
def summarise_delays(flights: list[Flight], late_after: float) -> list[AirportDelays]:
    """Count, mean, median, maximum and share of the late flights per airport of origin, by its code.

    Args:
        flights: As `validate_flights` gives them.
        late_after: A flight is late when its delay is above this many minutes.
    """
    delays = defaultdict(list)
    for flight in flights:
        delays[flight.origin].append(flight.delay)
    return [
        AirportDelays(
            airport=airport,
            flights=len(values),
            mean_delay=statistics.fmean(values),
            median_delay=statistics.median(values),
            max_delay=max(values),
            late_share=sum(value > late_after for value in values) / len(values),
        )
        for airport, values in sorted(delays.items())
    ]


@activity.defn(name="rank_airports")
def rank_airports(airports: list[AirportDelays], worst: int, minimum_flights: int | None) -> Ranking:
    """Find the airports with the highest mean delay; ties go to the larger late share, more flights, then the code.

    Args:
        airports: As `summarise_delays` gives them.
        worst: How many to give, at least 1.
        minimum_flights: Airports with fewer flights are not ranked, so that one bad flight does not win.
            None means ten, or in a small file as many as its average airport has.

    Raises:
        ApplicationError: BAD_INPUT when one of the numbers is below 1.
    """
    if minimum_flights is None:
        total = sum(one.flights for one in airports)
        minimum_flights = min(TYPICAL_MINIMUM, total // len(airports)) if airports else TYPICAL_MINIMUM
    if worst < 1 or minimum_flights < 1:
        raise _refused("BAD_INPUT", f"worst is {worst}, minimum_flights {minimum_flights}; at least 1 is needed")
    ranked = [one for one in airports if one.flights >= minimum_flights]
    ranked.sort(key=lambda one: (-one.mean_delay, -one.late_share, -one.flights, one.airport))
    return Ranking(minimum_flights, len(ranked), ranked[:worst])


@activity.defn(name="name_airports")
def name_airports(ranking: Ranking, path: str) -> Ranking:
    """Add names and places from a table of airports; an airport that the table lacks keeps None.

    Raises:
        ApplicationError: FILE_NOT_FOUND, or BAD_FILE for no table, or a CSV without the columns iata and name.
    """
    places: dict[str, dict[str, Any]] = {}
    for row in _read_table(path, required={"iata", "name"}):
        if isinstance(row, dict) and row.get("iata"):
            places.setdefault(str(row["iata"]).strip().upper(), row)
    return replace(ranking, worst=[_placed(one, places.get(one.airport, {})) for one in ranking.worst])


@activity.defn(name="write_delays_report")
def write_delays_report(request: ReportRequest) -> Report:
    """Write the report as Markdown; a reader sees the old file or the new one, never a part.

    Raises:
        ApplicationError: BAD_INPUT for a name that is no file name; REPORT_UNWRITABLE, which is tried again.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", request.name):
        raise _refused("BAD_INPUT", f"{request.name!r} is no name for a report")
    folder = Path(request.folder or tempfile.gettempdir()).expanduser().resolve()
    path = folder / f"{request.name}.md"
    partial = folder / f".{uuid4().hex}.partial"
    text = "".join(f"{line}\n" for line in _report_lines(request))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(text.encode("utf-8", "replace"))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ApplicationError(f"cannot write {path}: {error}", type="REPORT_UNWRITABLE") from error
    return Report(str(path))


def _refused(code: str, message: str) -> ApplicationError:
    return ApplicationError(message, type=code, non_retryable=True)


def _read_table(path: str, required: set[str]) -> list[Any]:
    """The rows of a JSON array or a CSV file; the content decides, and the extension where it says nothing."""
    file = Path(path).expanduser().absolute()
    try:
        if file.stat().st_size > MAX_BYTES:
            raise _refused("BAD_FILE", f"{file} has more than {MAX_BYTES} bytes")
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise _refused("FILE_NOT_FOUND", f"there is no {file} where the worker runs") from error
    except (OSError, ValueError) as error:
        raise _refused("BAD_FILE", f"{file} cannot be read as UTF-8 text: {error}") from error
    json_file = text.lstrip()[:1] in ("[", "{") or file.suffix.lower() == ".json"
    try:
        return _parse_json(text) if json_file else _parse_csv(text, required)
    except (ValueError, RecursionError, csv.Error) as error:
        raise _refused("BAD_FILE", f"{file} is no {'JSON array' if json_file else 'CSV table'}: {error}") from error


def _placed(airport: AirportDelays, row: dict[str, Any]) -> AirportDelays:
    place = {key: str(row.get(key) or "").strip() or None for key in ("name", "city", "state", "country")}
    return replace(airport, name=place["name"], city=place["city"], state=place["state"], country=place["country"])


def _parse_json(text: str) -> list[Any]:
    # NaN and numbers that other programs cannot read stay text: they invalidate their record, not the file.
    rows = json.loads(text, parse_constant=str, parse_float=_finite_or_text, parse_int=_short_or_text)
    if not isinstance(rows, list):
        raise ValueError(f"the top is no array but {type(rows).__name__}")
    return rows


def _finite_or_text(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _short_or_text(text: str) -> int | str:
    return int(text) if len(text) <= 18 else text


def _parse_csv(text: str, required: set[str]) -> list[Any]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey=_SURPLUS, strict=True)
    columns = [column.strip().lower() for column in reader.fieldnames or []]
    if missing := required.difference(columns):
        raise ValueError(f"the first line names no column {', '.join(sorted(missing))}")
    reader.fieldnames = columns
    return list(reader)


def _fault(row: Any) -> str | None:
    """The first thing wrong with a record, or None."""
    if not isinstance(row, dict):
        return "not an object"
    if _SURPLUS in row:
        return "more cells than columns"
    given = {key: value for key, value in row.items() if value is not None and str(value).strip()}
    for key in ("origin", "delay"):
        if key not in given:
            return f"{key} missing"
    for key in ("origin", "destination"):
        if key in given and not _is_airport(given[key]):
            return f"{key} is no airport code"
    delay = _number(given["delay"])
    if delay is None or abs(delay) > MAX_DELAY:
        return "delay is no number of minutes"
    if "distance" in given:
        distance = _number(given["distance"])
        if distance is None or distance < 0:
            return "distance is no distance"
    if "date" in given and not _is_date(given["date"]):
        return "date is no date, year first"
    return None


def _is_airport(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9]{3,4}", value.strip()) is not None


def _number(value: object) -> float | None:
    # Python reads 1_0 as ten; no file of flights means that.
    if isinstance(value, bool) or not isinstance(value, int | float | str) or "_" in str(value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value.strip().replace("/", "-"))
    except ValueError:
        return False
    return True


def _cell(text: object) -> str:
    return re.sub(r"\s+", " ", "" if text is None else str(text)).strip()[:120].replace("|", "\\|").replace("<", "&lt;")


def _report_lines(request: ReportRequest) -> Iterator[str]:
    ranking, invalid = request.ranking, request.invalid
    yield "# Airline delays"
    yield ""
    yield f"Source: {_cell(Path(request.source).name)}"
    yield ""
    flights = sum(one.flights for one in request.airports)
    yield f"{flights} flights from {len(request.airports)} airports; {invalid.count} invalid records left out."
    yield ""
    yield f"## The worst of {ranking.ranked} airports with at least {ranking.minimum_flights} flights"
    yield ""
    yield from _table(ranking.worst, request.late_after)
    yield ""
    if invalid.count:
        yield "## Invalid records"
        yield ""
        yield "| reason | records |"
        yield "|---|---:|"
        for reason, count in invalid.reasons.items():
            yield f"| {_cell(reason)} | {count} |"
        yield ""
    yield "## All airports"
    yield ""
    yield from _table(request.airports, request.late_after)


def _table(airports: list[AirportDelays], late_after: float) -> Iterator[str]:
    yield f"| airport | name | flights | mean, min | median, min | max, min | over {late_after:g} min |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for one in airports:
        name = ", ".join(filter(None, (one.name, one.city, one.state, one.country)))
        delays = f"{one.mean_delay:.1f} | {one.median_delay:g} | {one.max_delay:g} | {one.late_share:.1%}"
        yield f"| {_cell(one.airport)} | {_cell(name)} | {one.flights} | {delays} |"
