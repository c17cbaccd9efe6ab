"""What people see: the state at a glance, within 80 columns, and nothing that a text smuggles in."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType

from commands.doctor import Check
from commands.showing import attention, branches, doctor, pools, sessions, threads
from commands.showing.style import at, plain, seconds, value
from threadloom.views import (
    Executions,
    History,
    PoolLeases,
    PoolView,
    SessionTree,
    SessionView,
    ThreadBranched,
    ThreadView,
)

NOW = datetime(2030, 1, 31, 8, 0, 5, tzinfo=UTC)
HOLD = {"kind": "session", "actor": "ada", "reason": "wrong prices", "at": NOW}


def text(shown: RenderableType, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, markup=False, highlight=False, emoji=False).print(shown)
    lines = out.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return " ".join(" ".join(lines).split())


def thread(**more: Any) -> ThreadView:
    return ThreadView.model_validate({"session_id": "s", "thread_id": "t-1", "status": "running", **more})


def test_a_session_says_who_holds_it_and_what_still_runs() -> None:
    view = SessionView.model_validate(
        {
            "session_id": "tour",
            "status": "pausing",
            "holds": [HOLD],
            "not_paused_yet": ["one", "two"],
            "threads": {"total": 3, "running": 2, "failed": 1},
        }
    )
    shown = text(sessions.session(view))
    assert shown.startswith("session tour ◐ pausing held session hold by ada since 2030-01-31T08:00:05Z: wrong prices")
    assert "still running one two" in shown
    assert "threads 3: 2 running, 1 failed" in shown


def test_a_thread_says_what_stops_it_before_anything_else() -> None:
    activity = {
        "node": "load", "visit": 2, "activity": "read", "task_queue": "gpu", "state": "backing_off", "attempt": 4,
        "maximum_attempts": 5, "last_failure": {"code": "BadInput", "message": "no header"},
    }  # fmt: skip
    shown = text(threads.thread(thread(in_flight=[activity], variables={"big": {"elided": True, "bytes": 12_345}})))
    assert "in flight read for load#2: backing_off, attempt 4 of 5, on gpu, last failure BadInput: no header" in shown
    assert "12,345 bytes" in shown


def test_a_thread_says_what_could_not_be_undone() -> None:
    failed = {"node": "pay", "visit": 1, "error": {"code": "BOOM", "message": "no way back"}}
    assert "not undone pay#1: BOOM: no way back" in text(threads.thread(thread(not_undone=[failed])))


def test_a_tree_shows_where_branches_left() -> None:
    leaf = {"thread_id": "b", "flow": "f", "version": "1", "status": "failed", "origin": "forked", "children": []}
    root: dict[str, Any] = {**leaf, "thread_id": "a", "status": "completed", "origin": "created"}
    root["children"] = [{**leaf, "fork_point": "ask#2"}]
    view = SessionTree.model_validate({"session_id": "tour", "status": "active", "roots": [root]})
    assert "└── a ✓ completed f@1 └── b ✗ failed f@1 forked at ask#2" in text(sessions.tree(view))


def test_executions_show_the_points_that_a_fork_takes() -> None:
    view = Executions.model_validate(
        {
            "executions": [
                {"seq": 7, "id": "t/load/2", "node": "load", "visit": 2, "status": "failed", "attempts": 3,
                 "started_at": NOW, "duration_seconds": 75.2, "error": {"code": "BadInput", "message": "no header"}}
            ],
            "complete": False,
        }
    )  # fmt: skip
    shown = text(threads.executions(view))
    for part in ("@7", "load#2", "✗ failed", "1m 15s", "BadInput:", "older executions are missing"):
        assert part in shown


def test_a_pool_shows_who_holds_what_and_who_waits() -> None:
    lease = {"lease_id": "l1", "holder": "s/t", "amount": 0.1, "priority": "normal", "since": NOW, "granted_at": NOW,
             "expires_at": NOW}  # fmt: skip
    waiting = {**lease, "lease_id": "l2", "holder": "b\x1bob", "granted_at": None, "place": 1}
    view = PoolLeases.model_validate(
        {"pool": "seats", "status": "active", "capacity": 1, "in_use": 0.1, "free": 0.9, "config": {"lease": "5m"},
         "holders": [lease], "line": [waiting]}
    )  # fmt: skip
    shown = text(pools.leases(view))
    for part in (
        "pool seats ● active",
        "free 0.9",
        "l1 s/t 0.1 2030-01-31T08:00:05Z 2030-01-31T08:00:05Z",
        "1 l2 b�ob",
    ):
        assert part in shown
    assert text(pools.pools([])) == "no pools"
    assert "seats ○ inactive" in text(pools.pools([PoolView(pool="seats", status="inactive")]))


def test_warnings_of_a_plan_are_shown() -> None:
    plan = {"source": "a", "strategy": "partial", "warnings": [{"code": "SOURCE_RUNNING", "message": "a is running"}]}
    shown = text(branches.branched(ThreadBranched.model_validate({"plan": plan})))
    assert "nothing was started" in shown
    assert shown.endswith("warning: SOURCE_RUNNING: a is running")


def test_what_needs_a_person_comes_with_a_command() -> None:
    item = {"kind": "held", "session_id": "s", "thread_id": "t", "node": None, "since": NOW.isoformat(),
            "message": "held by ada", "try": "thread resume s t"}  # fmt: skip
    shown = text(attention.attention([item]))
    assert "2030-01-31T08:00:05Z held s/t" in shown
    assert "thread resume s t" in shown
    assert text(attention.attention([])) == "nothing needs attention"


def test_a_title_cannot_paint_the_terminal() -> None:
    shown = text(threads.thread(thread(title="[red]\x1b[2Jgone[/red]")))
    assert "\x1b" not in shown
    assert "[red]" in shown


def test_times_values_and_texts() -> None:
    assert at("2030-01-31T10:00:05.123+02:00") == "2030-01-31T08:00:05Z"
    assert [seconds(length) for length in (None, 0.5412, 59, 61, 90_000)] == ["", "0.541 s", "59 s", "1m 1s", "1d 1h"]
    assert value({"a": "许可"}) == '{"a": "许可"}'
    assert value("x" * 500).endswith("…")
    assert plain(None) == ""
    assert plain("中文　全角 é\x07") == "中文　全角 é�"


def test_the_history_tells_why_something_was_refused_or_failed() -> None:
    error = {"code": "NODE_NOT_FOUND", "message": "the flow has no node gret", "details": {}}
    refused = {"operation": "fork", "strategy": "partial", "thread": "two", "fork_point": "gret", "error": error}
    copied = {"operation": "copy", "strategy": "full", "thread": "two", "fork_point": None, "error": error}
    forked = {"parent": "one", "fork_point": "greet#1"}
    records = [
        {"seq": seq, "type": "error", "timestamp": NOW, "details": details}
        for seq, details in enumerate((refused, copied, forked), start=1)
    ]
    shown = text(sessions.history(History.model_validate({"records": records})), width=140)
    assert "at gret: NODE_NOT_FOUND: the flow has no node gret" in shown
    assert "one at greet#1" in shown
    assert "--after" not in shown
    cut = text(sessions.history(History.model_validate({"records": records}), limit=3), width=140)
    assert "3 records; --after 3 shows those behind them" in cut


def test_a_check_tells_what_is_wrong_from_what_could_be_better() -> None:
    found = [Check("a", "fine"), Check("b", "some are missing", remedy="add them"), Check("c", "gone", "NO_WORKER")]
    shown = text(doctor.checks(found))
    assert "✓ a fine" in shown
    assert "! b some are missing add them" in shown
    assert "✗ c gone" in shown
