"""How much work expressions may do: counted in steps, never in time, so that a replay stops at the same place."""

from __future__ import annotations

from contextvars import ContextVar, Token

STEPS = 1_000_000
"""Steps of one evaluation. A step is about one value looked at, a third of a microsecond: together well below
the two seconds after which Temporal takes a workflow task for stuck, also on a slow and busy machine."""

CHARACTERS = 50
"""Characters of text that are read or copied in one step."""

COMPARED = 1_000
"""Characters of text that are compared or hashed in one step."""

POINTERS = 16
"""Items of a list that are copied, or compared with something small, in one step."""


class Budget:
    """What is left to the evaluations inside a `with Budget():`. One inside another draws on the outer one."""

    __slots__ = ("_token", "left")

    def __init__(self) -> None:
        self.left = STEPS
        self._token: Token[Budget | None] | None = None

    def __enter__(self) -> None:
        if _current.get() is None:
            self._token = _current.set(self)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
            meter = _meter.get()
            if meter is not None:
                meter.spent += STEPS - self.left


class Meter:
    """Counts what all evaluations inside a `with Meter() as meter:` have spent; it bounds nothing."""

    __slots__ = ("_token", "spent")

    def __init__(self) -> None:
        self.spent = 0
        self._token: Token[Meter | None] | None = None

    def __enter__(self) -> Meter:
        self._token = _meter.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _meter.reset(self._token)


_current: ContextVar[Budget | None] = ContextVar("budget", default=None)
_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


def spend(steps: int) -> None:
    """Count work that is about to be done.

    Raises:
        ValueError: It would be more than the budget of the evaluation that is going on.
    """
    budget = _current.get()
    if budget is not None:
        budget.left -= steps
        if budget.left < 0:
            raise ValueError(f"it takes more than {STEPS:,} steps; give an activity the large part of the work")
