"""Running flows in the process: no server, no database, no waiting.

    from threadloom.testing import Fail, run_flow

    def test_a_refused_card_is_undone() -> None:
        run = run_flow("order.yaml", {"total": 12}, mocks={"charge": Fail("CARD_DECLINED", retryable=False)})
        assert run.status == "failed"
        assert run.path == ["reserve", "charge"]

The flow goes through the same core as in a thread's workflow, so edges, retries, timeouts, hooks,
compensations and limits are the engine's own. Time is virtual: what waits two days takes no time.
"""

from __future__ import annotations

from threadloom.testing.mocks import Fail, in_turn
from threadloom.testing.result import Call, FlowRun
from threadloom.testing.running import START, Message, run_flow

__all__ = ["START", "Call", "Fail", "FlowRun", "Message", "in_turn", "run_flow"]
