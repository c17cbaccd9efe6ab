"""The one list of failure codes, and the one exception that carries them.

Codes are part of the contract: scripts branch on them, never on a message's text. Every code says
what happened and what to do about it; `docs/errors.md` is generated from `domain.explanations` and a test keeps
the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

MESSAGE_LIMIT = 2_000
"""Longest message in characters. Temporal does not offload failures, so a long one could exceed its limits."""


class Code(StrEnum):
    """Every failure code of the product."""

    # sessions
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_EXISTS = "SESSION_EXISTS"
    SESSION_NOT_ACTIVE = "SESSION_NOT_ACTIVE"
    SESSION_BUSY = "SESSION_BUSY"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    THREAD_LIMIT_REACHED = "THREAD_LIMIT_REACHED"
    ALLOCATION_NOT_FOUND = "ALLOCATION_NOT_FOUND"
    RESOURCES_INSUFFICIENT = "RESOURCES_INSUFFICIENT"
    DEPTH_LIMIT_REACHED = "DEPTH_LIMIT_REACHED"
    # threads
    THREAD_NOT_FOUND = "THREAD_NOT_FOUND"
    THREAD_EXISTS = "THREAD_EXISTS"
    THREAD_NOT_STARTED = "THREAD_NOT_STARTED"
    THREAD_ENDED = "THREAD_ENDED"
    THREAD_DESTROYED = "THREAD_DESTROYED"
    THREAD_TERMINATED = "THREAD_TERMINATED"
    THREAD_LOST = "THREAD_LOST"
    CANCELLED = "CANCELLED"
    # resource pools
    POOL_NOT_FOUND = "POOL_NOT_FOUND"
    POOL_EXISTS = "POOL_EXISTS"
    POOL_NOT_ACTIVE = "POOL_NOT_ACTIVE"
    POOL_FULL = "POOL_FULL"
    LEASE_NOT_FOUND = "LEASE_NOT_FOUND"
    LEASE_EXISTS = "LEASE_EXISTS"
    LEASE_LOST = "LEASE_LOST"
    # fork and copy
    FORK_POINT_MISSING = "FORK_POINT_MISSING"
    FORK_POINT_NOT_EXECUTED = "FORK_POINT_NOT_EXECUTED"
    NODE_NOT_FOUND = "NODE_NOT_FOUND"
    COPY_WITHOUT_NODES = "COPY_WITHOUT_NODES"
    SNAPSHOT_UNAVAILABLE = "SNAPSHOT_UNAVAILABLE"
    JOURNAL_INCOMPLETE = "JOURNAL_INCOMPLETE"
    # messages and answers
    NOT_WAITING = "NOT_WAITING"
    ALREADY_DECIDED = "ALREADY_DECIDED"
    BAD_CHOICE = "BAD_CHOICE"
    BAD_DATA = "BAD_DATA"
    MAILBOX_FULL = "MAILBOX_FULL"
    # threads without a flow
    LINE_FULL = "LINE_FULL"
    EXECUTION_NOT_FOUND = "EXECUTION_NOT_FOUND"
    # flows
    FLOW_NOT_FOUND = "FLOW_NOT_FOUND"
    FLOW_NOT_ACTIVE = "FLOW_NOT_ACTIVE"
    FLOW_INVALID = "FLOW_INVALID"
    FLOW_VERSION_EXISTS = "FLOW_VERSION_EXISTS"
    INPUT_INVALID = "INPUT_INVALID"
    OUTPUT_INVALID = "OUTPUT_INVALID"
    # execution of nodes
    EXPRESSION_ERROR = "EXPRESSION_ERROR"
    NO_EDGE = "NO_EDGE"
    MAX_VISITS = "MAX_VISITS"
    LIMIT_REACHED = "LIMIT_REACHED"
    SUBFLOW_TOO_DEEP = "SUBFLOW_TOO_DEEP"
    HOOK_FAILED = "HOOK_FAILED"
    JOIN_FAILED = "JOIN_FAILED"
    COMPENSATION_FAILED = "COMPENSATION_FAILED"
    NODE_TIMEOUT = "NODE_TIMEOUT"
    ACTIVITY_FAILED = "ACTIVITY_FAILED"
    ACTIVITY_NOT_ALLOWED = "ACTIVITY_NOT_ALLOWED"
    FUNCTION_NOT_FOUND = "FUNCTION_NOT_FOUND"
    WORKFLOW_EXISTS = "WORKFLOW_EXISTS"
    WORKFLOW_TERMINATED = "WORKFLOW_TERMINATED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    RESULT_UNREADABLE = "RESULT_UNREADABLE"
    HTTP_BAD_REQUEST = "HTTP_BAD_REQUEST"
    HTTP_UNREACHABLE = "HTTP_UNREACHABLE"
    HTTP_TIMEOUT = "HTTP_TIMEOUT"
    HTTP_TOO_LARGE = "HTTP_TOO_LARGE"
    HTTP_BAD_RESPONSE = "HTTP_BAD_RESPONSE"
    SECRET_UNKNOWN = "SECRET_UNKNOWN"
    # flows run in the process
    MOCK_MISSING = "MOCK_MISSING"
    STILL_WAITING = "STILL_WAITING"
    TOO_MANY_STEPS = "TOO_MANY_STEPS"
    # commands
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    INVALID_ID = "INVALID_ID"
    COMMAND_ID_REUSED = "COMMAND_ID_REUSED"
    CONFIRMATION_REQUIRED = "CONFIRMATION_REQUIRED"
    FORBIDDEN = "FORBIDDEN"
    TIMED_OUT = "TIMED_OUT"
    # surroundings
    SERVER_UNREACHABLE = "SERVER_UNREACHABLE"
    DATABASE_UNREACHABLE = "DATABASE_UNREACHABLE"
    SCHEMA_OUTDATED = "SCHEMA_OUTDATED"
    NO_WORKER = "NO_WORKER"
    TASKS_UNLOADABLE = "TASKS_UNLOADABLE"
    PORT_IN_USE = "PORT_IN_USE"
    INTERNAL = "INTERNAL"


class ThreadloomError(Exception):
    """A refusal or failure with a stable code.

    Attributes:
        code: One of `Code` for the product's own failures; a thread's error may carry any code that
            its flow or its activities named.
        message: One line for people.
        details: JSON data for programs.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        self.code = str(code)
        self.message = message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"
        self.details: dict[str, Any] = dict(details or {})
        super().__init__(f"{self.code}: {self.message}")

    def visible(self) -> dict[str, Any]:
        """As it is sent and printed: {code, message, details}."""
        return {"code": self.code, "message": self.message, "details": self.details}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.details)
