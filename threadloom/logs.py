"""Logs of a worker: one JSON object a line, with the session, thread and node, or the pool, that a line is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any

from domain.errors import Code, ThreadloomError
from domain.ids import is_id, parse_pool_workflow_id, parse_thread_workflow_id, session_workflow_id

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("json", "text")

_FROM_SDK = {
    "workflow_id": "workflow_id",
    "run_id": "run_id",
    "workflow_run_id": "run_id",
    "workflow_type": "workflow_type",
    "task_queue": "task_queue",
    "activity_type": "activity",
    "attempt": "attempt",
}
"""What the SDK tells of a line's workflow or activity, and how it is called here."""


def configure_logs(level: str, format: str, stream: IO[str]) -> None:
    """Send the logs of this process to the stream.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        format: `json`, or `text` for people.
        stream: Where the lines go.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` for any other level or format.
    """
    if level not in LEVELS or format not in FORMATS:
        known = f"levels are {', '.join(LEVELS)}, formats {', '.join(FORMATS)}"
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"no log has level {level!r} and format {format!r}; {known}")
    # Late, as commands that log nothing import this module too.
    from temporalio import activity, workflow

    # The SDK would append the same facts to every message, as text.
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if format == "text" else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # It tells of every look at the schema; what goes wrong there is raised, too.
    logging.getLogger("alembic").setLevel(logging.WARNING)


class JsonFormatter(logging.Formatter):
    """A line is {time, level, logger, message}, and what is known of where it comes from.

    That is session, thread, node, visit or pool, workflow_id, run_id, workflow_type, task_queue, activity,
    attempt and exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **context_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """`time LEVEL logger message [key=value …]`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, with the traceback below it if there is one."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        shown = ("session", "thread", "node", "pool")
        context = " ".join(f"{key}={value}" for key, value in context_of(record).items() if key in shown)
        line = f"{time} {record.levelname} {record.name} {record.getMessage()}{f' [{context}]' if context else ''}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def context_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the record is about: session, thread, node and the SDK's own facts, as far as known."""
    facts: dict[str, Any] = {}
    for name in ("temporal_workflow", "temporal_activity"):
        given = getattr(record, name, None)
        if isinstance(given, Mapping):
            facts |= dict(_place(given))
            facts |= {ours: given[theirs] for theirs, ours in _FROM_SDK.items() if theirs in given}
    return facts


def _place(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Session, thread, node and visit, or the pool, as the ids tell them."""
    workflow_id = str(given.get("workflow_id", ""))
    prefix = session_workflow_id("")
    if thread := parse_thread_workflow_id(workflow_id):
        yield from zip(("session", "thread"), thread, strict=True)
        node, separator, visit = str(given.get("activity_id", "")).partition("#")
        if separator and visit.isdecimal():
            yield from (("node", node), ("visit", int(visit)))
    elif workflow_id.startswith(prefix) and is_id(workflow_id.removeprefix(prefix)):
        yield "session", workflow_id.removeprefix(prefix)
    elif pool := parse_pool_workflow_id(workflow_id):
        yield "pool", pool
