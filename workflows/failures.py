"""Between the product's errors and Temporal's failures, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    RetryState,
    TerminatedError,
    TimeoutType,
)
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from domain.errors import Code, ThreadloomError
from domain.registry import NotRegisteredError
from domain.thread.journal import Failure
from domain.thread.views import elide


def to_failure(error: ThreadloomError) -> ApplicationError:
    """The failure that carries the error's code as its type. Never retried: the answer would be the same."""
    return ApplicationError(error.message, error.details, type=error.code, non_retryable=True)


def from_failure(failure: ApplicationError) -> ThreadloomError:
    """The error that a failure carries."""
    details = failure.details[0] if failure.details and isinstance(failure.details[0], dict) else {}
    return ThreadloomError(failure.type or Code.INTERNAL, failure.message, details)


def defect(error: Exception) -> ThreadloomError:
    """A defect of this program, logged and told as one: let out, it would fail the workflow's task for ever."""
    workflow.logger.error("a defect", exc_info=error)
    return ThreadloomError(Code.INTERNAL, f"{type(error).__name__}: {error}")


@contextmanager
def told_as_failures() -> Iterator[None]:
    """Whatever is raised inside reaches whoever sent the message, as a failure that Temporal knows."""
    try:
        yield
    except ThreadloomError as error:
        raise to_failure(error) from error
    except NotRegisteredError as error:
        raise to_failure(ThreadloomError(Code.FUNCTION_NOT_FOUND, str(error))) from error
    except Exception as error:
        raise to_failure(defect(error)) from error


def refusal_of(error: ActivityError) -> ThreadloomError:
    """Why one of our own activities failed: the error that it raised, whole."""
    if isinstance(error.cause, ApplicationError):
        return from_failure(error.cause)
    failure = activity_failure(error)
    return ThreadloomError(failure.code, failure.message, failure.details)


def activity_failure(error: BaseException) -> Failure:
    """Why an activity failed, as the node's error: the type of an application error is its code."""
    cause = error.cause if isinstance(error, ActivityError) and error.cause else error
    match cause:
        case ApplicationError():
            details = {"details": elide(list(cause.details))} if cause.details else {}
            return _failure(cause.type or Code.ACTIVITY_FAILED, cause.message, details)
        case TemporalTimeoutError():
            kind = cause.type.name.lower() if cause.type is not None else "timeout"
            return _failure(Code.NODE_TIMEOUT, f"the activity's {kind} timeout is over", {"timeout": kind})
        case CancelledError():
            return _failure(Code.CANCELLED, "the activity was cancelled", {})
        case FailureError():
            return _failure(Code.ACTIVITY_FAILED, cause.message, {})
        case _:
            return _failure(Code.ACTIVITY_FAILED, f"{type(cause).__name__}: {cause}", {})


def ran_out_of_time(error: BaseException) -> bool:
    """Whether the whole node's time is over, retries included."""
    if isinstance(error, ActivityError) and error.retry_state is RetryState.TIMEOUT:
        return True  # or would be, before the next attempt
    cause = error.cause if isinstance(error, ActivityError) else error
    return isinstance(cause, TemporalTimeoutError) and cause.type is TimeoutType.SCHEDULE_TO_CLOSE


def closed_as(error: BaseException) -> str:
    """How a child workflow closed, in the words of `domain.messages.Finding`."""
    cause = error.cause if isinstance(error, ChildWorkflowError) else error
    match cause:
        case TerminatedError():
            return "terminated"
        case CancelledError():
            return "canceled"
        case TemporalTimeoutError():
            return "timed_out"
        case _:
            return "failed"


def _failure(code: str, message: str, details: dict[str, object]) -> Failure:
    error = ThreadloomError(code, message, details)
    return Failure(code=error.code, message=error.message, details=error.details)
