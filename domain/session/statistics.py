"""A session's statistics: operations, performance, usage and resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_AVERAGE = "average_tokens_per_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCount:
    """How often an operation was tried; successful + failed ≤ total, the rest is under way."""

    total: int = 0
    successful: int = 0
    failed: int = 0
    by_strategy: Mapping[str, int] = field(default_factory=dict)

    def tried(self, strategy: str) -> OperationCount:
        """One more under way."""
        count = self.by_strategy.get(strategy, 0) + 1
        return replace(self, total=self.total + 1, by_strategy={**self.by_strategy, strategy: count})

    def withdrawn(self, strategy: str) -> OperationCount:
        """One that was under way is to be tried later."""
        left = {**self.by_strategy, strategy: self.by_strategy[strategy] - 1}
        by_strategy = {name: count for name, count in left.items() if count}
        return replace(self, total=self.total - 1, by_strategy=by_strategy)

    def ended(self, *, success: bool) -> OperationCount:
        """One that was under way has ended."""
        if success:
            return replace(self, successful=self.successful + 1)
        return replace(self, failed=self.failed + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Execution times of threads that began and ended, in seconds. A cancelled one counts in neither rate."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    shortest: float | None = None
    longest: float | None = None

    def ended(self, status: str, seconds: float) -> Performance:
        """One more thread ended with this status after this time."""
        counted = replace(self, **{status: getattr(self, status) + 1})
        return replace(
            counted,
            seconds=self.seconds + seconds,
            shortest=seconds if self.shortest is None else min(self.shortest, seconds),
            longest=seconds if self.longest is None else max(self.longest, seconds),
        )

    def visible(self) -> dict[str, Any]:
        """As `session stats` prints it; rates sum to 1 when anything completed or failed."""
        count = self.completed + self.failed + self.cancelled
        judged = self.completed + self.failed
        return {
            "count": count,
            "completed": self.completed,
            "failed": self.failed,
            "cancelled": self.cancelled,
            "total_seconds": round(self.seconds, 3),
            "average_seconds": round(self.seconds / count, 3) if count else None,
            "minimum_seconds": None if self.shortest is None else round(self.shortest, 3),
            "maximum_seconds": None if self.longest is None else round(self.longest, 3),
            "success_rate": self.completed / judged if judged else None,
            "failure_rate": self.failed / judged if judged else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What a session counts.

    Attributes:
        other: Other operations by name.
        usage: By model: {calls, tokens, cost}, of threads that have ended.
        messages: How many messages its threads have taken, by type, as far as they have reported.
        peaks: The most that was taken of each resource.
        peak_threads: The most threads alive at once; never less than are alive.
    """

    fork: OperationCount = field(default_factory=OperationCount)
    copy: OperationCount = field(default_factory=OperationCount)
    other: Mapping[str, int] = field(default_factory=dict)
    performance: Performance = field(default_factory=Performance)
    usage: Mapping[str, Mapping[str, int | float]] = field(default_factory=dict)
    messages: Mapping[str, int] = field(default_factory=dict)
    peak_threads: int = 0
    peaks: Mapping[str, float] = field(default_factory=dict)

    def counted(self, operation: str) -> Statistics:
        """One more of the other operations."""
        return replace(self, other={**self.other, operation: self.other.get(operation, 0) + 1})

    def branched(self, operation: str, *, success: bool) -> Statistics:
        """A fork or copy that was under way has succeeded or failed."""
        if operation == "fork":
            return replace(self, fork=self.fork.ended(success=success))
        return replace(self, copy=self.copy.ended(success=success))

    def used(self, usage: Mapping[str, Mapping[str, int | float]]) -> Statistics:
        """A thread's usage added."""
        totals = {model: dict(figures) for model, figures in self.usage.items()}
        for model, figures in usage.items():
            total = totals.setdefault(model, {"calls": 0, "tokens": 0, "cost": 0})
            for name, amount in figures.items():
                total[name] = total.get(name, 0) + amount
        return replace(self, usage=totals)

    def messaged(self, before: Mapping[str, int], now: Mapping[str, int]) -> Statistics:
        """What a thread has taken since it last reported added; a thread that Temporal has reset has taken less."""
        more = {kind: number - before.get(kind, 0) for kind, number in now.items() if number > before.get(kind, 0)}
        if not more:
            return self
        return replace(self, messages={**self.messages, **{k: self.messages.get(k, 0) + n for k, n in more.items()}})

    @property
    def message_count(self) -> int:
        """Messages of all types."""
        return sum(self.messages.values())

    def visible(self, *, alive: int, limit: int | None, resources: Mapping[str, Any]) -> dict[str, Any]:
        """As `session stats` prints it."""
        return {
            "operations": {
                "fork": _operation(self.fork),
                "copy": _operation(self.copy),
                "other": dict(self.other),
            },
            "performance": self.performance.visible(),
            "usage": _usage(self.usage),
            "messages": {"received": self.message_count, "by_type": dict(self.messages)},
            "resources": {
                "threads": {"used": alive, "peak": max(self.peak_threads, alive), "limit": limit},
                **resources,
            },
        }


def read_statistics(visible: Mapping[str, Any]) -> Statistics:
    """The statistics that `Statistics.visible` shows, as exactly as it shows them."""
    operations, performance = visible.get("operations", {}), visible.get("performance", {})
    resources: Mapping[str, Mapping[str, Any]] = visible.get("resources", {})
    return Statistics(
        fork=OperationCount(**operations.get("fork", {})),
        copy=OperationCount(**operations.get("copy", {})),
        other=operations.get("other", {}),
        performance=Performance(
            completed=performance.get("completed", 0),
            failed=performance.get("failed", 0),
            cancelled=performance.get("cancelled", 0),
            seconds=performance.get("total_seconds", 0.0),
            shortest=performance.get("minimum_seconds"),
            longest=performance.get("maximum_seconds"),
        ),
        usage={
            model: {name: figure for name, figure in figures.items() if name != _AVERAGE}
            for model, figures in visible.get("usage", {}).get("by_model", {}).items()
        },
        messages=visible.get("messages", {}).get("by_type", {}),
        peak_threads=resources.get("threads", {}).get("peak", 0),
        peaks={name: told.get("peak", 0) for name, told in resources.items() if name != "threads"},
    )


def _operation(count: OperationCount) -> dict[str, Any]:
    return {
        "total": count.total,
        "successful": count.successful,
        "failed": count.failed,
        "by_strategy": dict(count.by_strategy),
    }


def _usage(usage: Mapping[str, Mapping[str, int | float]]) -> dict[str, Any]:
    def total(name: str) -> float:
        return sum(figures.get(name, 0) for figures in usage.values())

    calls = total("calls")
    return {
        "calls": calls,
        "tokens": total("tokens"),
        "cost": total("cost"),
        "average_cost_per_call": total("cost") / calls if calls else None,
        "by_model": {
            model: {
                **figures,
                _AVERAGE: figures["tokens"] / figures["calls"] if figures["calls"] else None,
            }
            for model, figures in usage.items()
        },
    }
