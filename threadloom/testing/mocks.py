"""Mocks: what stands for the world outside a flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.language.nearby import did_you_mean
from domain.flow.model import DecisionNode, EndNode, FailNode, FlowDefinition, SetNode, SubflowNode, WaitNode
from domain.values import Json, JsonObject

ACTIVITY = "activity:"
"""Begins the key of a mock for an activity, whichever node, hook or compensation calls it."""

_SHOWN = 20
"""Nodes that a refusal names; its details have all."""

_WITHOUT = (SetNode, DecisionNode, WaitNode, SubflowNode, EndNode, FailNode)
"""Nodes that ask nobody outside, so that nothing can stand for their answer."""


class Fail(Exception):  # noqa: N818  it is what a mock does, and reads so in a test
    """A failure, as an activity's application error is one.

    Args:
        code: The error's type; `on_error` edges and `non_retryable` name it.
        message: One line for people.
        details: JSON data, as `error.details` in expressions.
        retryable: Whether the node's retry policy applies. A policy without `maximum_attempts` tries
            for ever; so does a run, which then ends as waiting.
    """

    def __init__(
        self, code: str, message: str = "", *, details: JsonObject | None = None, retryable: bool = True
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = str(code)
        self.message = message or "failed by its mock"
        self.details = dict(details or {})
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class InTurn:
    """Answers of which each call takes the next; the last one stays."""

    answers: Sequence[Any]


def in_turn(*answers: Any) -> InTurn:
    """A mock whose every call, further attempts and items included, takes the next answer; the last one stays."""
    if not answers:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "in_turn needs at least one answer")
    return InTurn(answers)


class Mock:
    """One mock, and how often it was asked."""

    def __init__(self, key: str, given: Any) -> None:
        self.key = key
        self._given = given
        self._calls = 0

    def answer(self, args: Sequence[Json], item: int | None = None) -> Any:
        """What it answers; a failure is raised.

        Args:
            args: What the node asks with, its templates rendered.
            item: Of a map, the place of the item.
        """
        answer = self._given
        if isinstance(answer, InTurn):
            answer = answer.answers[min(self._calls, len(answer.answers) - 1)]
        self._calls += 1
        if item is not None and isinstance(answer, list) and not self.key.startswith(ACTIVITY):
            if item >= len(answer):
                raise self.wrong(f"has {len(answer)} results, and the map has an item {item}")
            answer = answer[item]
        elif item is not None and not (callable(answer) or self.key.startswith(ACTIVITY) or _fails(answer)):
            raise self.wrong("is of a map: a list of results, one for each item, or a function of the item's arguments")
        if callable(answer):
            answer = answer(*args)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def wrong(self, why: str) -> MockError:
        """The error of a mock that does not fit its node."""
        return MockError(Code.INVALID_ARGUMENT, f"the mock {self.key} {why}", {"mock": self.key})


class MockError(ThreadloomError):
    """A mock is missing or does not fit: the run ends, as this is no failure of a node."""


class Mocks:
    """The mocks of one run.

    Args:
        given: By a node's path, by its id wherever it stands, or by `activity:NAME`; the first of these counts.
        flows: The flows that are executed.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` for a key that names no node, or one whose kind asks nobody.
    """

    def __init__(self, given: Mapping[str, Any], flows: Iterable[FlowDefinition]) -> None:
        self._mocks = {key: Mock(key, value) for key, value in given.items()}
        flows = list(flows)
        for key in self._mocks:
            if not key.startswith(ACTIVITY):
                _require_node(key, flows)

    def of_node(self, path: str, activity: str | None = None) -> Mock | None:
        """The mock for what a node asks."""
        found = self._mocks.get(path) or self._mocks.get(path.rpartition("/")[2])
        return found or (self.of_activity(activity) if activity is not None else None)

    def of_activity(self, name: str) -> Mock | None:
        """The mock for an activity, whoever calls it."""
        return self._mocks.get(f"{ACTIVITY}{name}")


def _fails(answer: Any) -> bool:
    return isinstance(answer, BaseException)


def _require_node(key: str, flows: Sequence[FlowDefinition]) -> None:
    nodes = [(name, node) for flow in flows for name, node in flow.nodes.items()]
    asking = sorted({name for name, node in nodes if not isinstance(node, _WITHOUT)})
    around = [name for name, node in nodes if isinstance(node, SubflowNode)]
    details = {"mock": key, "nodes": asking}
    *outer, last = key.split("/")
    for part in (*outer, last):
        if all(part != name for name, _ in nodes):
            near = did_you_mean(part, asking if part == last else around)
            message = f"no node {part} for the mock {key}{near or _those(asking)}"
            raise MockError(Code.INVALID_ARGUMENT, message, details)
    if last not in asking:
        kind = next(node.kind for name, node in nodes if name == last)
        message = f"{key} is a `{kind}`, which asks nobody: it takes no mock{_those(asking)}"
        raise MockError(Code.INVALID_ARGUMENT, message, details)


def _those(asking: Sequence[str]) -> str:
    return f"; these take one: {', '.join(asking[:_SHOWN])}{', …' if len(asking) > _SHOWN else ''}" if asking else ""
