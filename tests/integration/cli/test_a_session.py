"""The life of a session, driven from a shell, with the shapes that scripts rely on."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from tests.integration.cli.conftest import CommandLine, Dev, eventually

THREAD = {
    "thread_id",
    "flow",
    "version",
    "status",
    "priority",
    "parent",
    "origin",
    "progress",
    "current_node",
    "waiting_for",
    "waiting",
}
COUNTS = {"total", "running", "paused", "pending", "completed", "failed", "cancelled"}


def test_a_session_from_start_to_end(cli: CommandLine, dev: Dev, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    flow = dev.folder / "visit.yaml"

    started = cli.json("session", "start", "tour", "--title", "A visit", "--config", '{"max_threads": 10}')
    assert (started["session_id"], started["status"]) == ("tour", "active")

    registered = cli.json("flow", "register", flow)
    assert {"flow": "visit", "version": "1"}.items() <= registered.items()
    assert len(registered["digest"]) == 64

    visitor = {"name": "Ada", "gate": str(gate)}
    (tmp_path / "input.json").write_text(json.dumps(visitor))
    created = cli.json("thread", "start", "tour", "visit", "--id", "one", "--input", f"@{tmp_path}/input.json")
    assert created["thread_id"] == "one"

    # In mid-run: the activity is in flight until the test lets it end.
    def running() -> dict[str, object]:
        shown: dict[str, object] = cli.json("thread", "show", "tour", "one")
        return shown

    shown = eventually(running, lambda thread: bool(thread["in_flight"]))
    assert shown["waiting"] is None
    in_flight = shown["in_flight"]
    assert isinstance(in_flight, list)
    assert {
        "node", "visit", "activity", "task_queue", "state", "attempt", "maximum_attempts", "since",
        "next_attempt_at", "last_failure", "worker",
    } <= set(in_flight[0])  # fmt: skip
    assert (in_flight[0]["node"], in_flight[0]["activity"]) == ("gate", "await_file")

    pausing = cli.json("session", "pause", "tour", "--reason", "look at it", "--actor", "ada")
    assert pausing == {"session_id": "tour", "status": "pausing"}
    late = cli("session", "pause", "tour", "--wait", "--timeout", "300ms", "--json")
    assert (late.status, late.json["error"]["code"]) == (1, "TIMED_OUT")
    held = cli.json("session", "show", "tour")
    assert {"session_id", "status", "title", "created_at", "config", "threads", "holds"} <= set(held)
    assert (held["status"], held["title"], held["config"]["max_threads"]) == ("pausing", "A visit", 10)
    assert set(held["threads"]) >= COUNTS
    assert held["not_paused_yet"] == ["one"]
    assert [(hold["actor"], hold["reason"]) for hold in held["holds"]] == [("ada", "look at it")]
    refused = cli("thread", "start", "tour", "visit", "--input", json.dumps(visitor))
    assert (refused.status, refused.err.splitlines()[0][:27]) == (1, "error: SESSION_NOT_ACTIVE: ")

    gate.touch()
    assert cli.json("session", "pause", "tour", "--wait")["status"] == "paused"
    (paused,) = cli.json("session", "threads", "tour")["threads"]
    assert set(paused) >= THREAD
    assert (paused["status"], paused["waiting"]["kind"], paused["origin"]) == ("paused", "hold", "created")
    assert "look at it" in cli("session", "show", "tour").out

    assert cli.json("session", "resume", "tour", "--wait") == {"session_id": "tour", "status": "active"}
    (approval,) = eventually(
        lambda: cli.json("approvals", "list", "--session", "tour")["approvals"], lambda found: len(found) == 1
    )
    assert (approval["thread_id"], approval["node"]) == ("one", "ask")
    assert (approval["prompt"], approval["choices"]) == ("Let Ada in?", ["yes-please", "no-thanks"])
    cli.json("session", "pause", "tour", "--wait")
    eventually(
        lambda: cli.json("thread", "list", "--status", "paused")["threads"],
        lambda found: [thread["session_id"] for thread in found] == ["tour"],
    )
    assert cli.json("approvals", "list")["approvals"] == [approval], "a person can answer meanwhile"
    cli.json("session", "resume", "tour", "--wait")
    (waiting,) = cli.json("thread", "list", "tour", "--waiting", "approval", "--flow", "visit@1")["threads"]
    assert waiting["waiting"].items() >= {"kind": "approval", "node": "ask", "choices": approval["choices"]}.items()
    assert datetime.fromisoformat(waiting["waiting"]["until"]) > datetime.fromisoformat(waiting["waiting"]["since"])
    assert [item["kind"] for item in cli.json("attention", "--session", "tour")["items"]] == ["approval"]

    plan = cli.json("thread", "fork", "tour", "one", "--at", "gate", "--set", 'tone="warm"', "--plan")
    assert set(plan) == {"plan"}
    forked = cli.json("thread", "fork", "tour", "one", "--at", "gate", "--set", 'tone="warm"', "--id", "two")
    assert {"thread_id", "source", "fork_point", "strategy", "warnings"} <= set(forked)
    assert (forked["thread_id"], forked["source"], forked["fork_point"]) == ("two", "one", "gate#1")
    copied = cli.json("thread", "copy", "tour", "one", "--strategy", "selective", "--node", "greet", "--id", "three")
    assert {"thread_id", "source", "scope", "strategy", "warnings", "relationship_mapping"} <= set(copied)
    assert copied["relationship_mapping"]["one"] == "three"
    assert sorted(thread["thread_id"] for thread in cli.json("thread", "list", "tour")["threads"]) == [
        "one", "three", "two",
    ]  # fmt: skip
    (root,) = cli.json("session", "tree", "tour")["roots"]
    assert [(child["thread_id"], child["origin"]) for child in root["children"]] == [
        ("two", "forked"), ("three", "copied"),
    ]  # fmt: skip

    for thread in ("one", "two"):
        eventually(
            lambda thread=thread: cli("thread", "decide", "tour", thread, "ask", "yes-please", "--json"),  # type: ignore[misc]
            lambda ended: ended.status == 0,
        )
    result = cli("thread", "result", "tour", "two", "--wait", "--json")
    assert result.status == 0
    assert result.json == {
        "status": "completed",
        "result": {"greeting": "hello Ada", "tone": "warm", "verdict": "yes-please"},
        "error": None,
    }
    assert cli.json("thread", "result", "tour", "one", "--wait")["result"]["tone"] == "plain"
    variables = cli.json("thread", "variables", "tour", "two")["variables"]
    assert variables == {"tone": "warm", "greeting": "hello Ada", "key": "gate", "verdict": "yes-please"}
    executions = cli.json("thread", "executions", "tour", "one")["executions"]
    assert [execution["node"] for execution in executions] == ["greet", "gate", "ask", "done"]
    assert {"seq", "node", "visit", "status", "attempts", "started_at", "ended_at", "result", "error"} <= set(
        executions[0]
    )
    snapshot = cli.json("thread", "snapshot", "tour", "one", "--at", "gate")
    assert (snapshot["point"], snapshot["variables"]["tone"]) == ("gate#1", "plain")

    # Several threads at once: each answers for itself.
    several = cli("thread", "cancel", "tour", "three", "nobody", "--json")
    assert several.status == 1
    assert several.json["threads"][0]["thread_id"] == "three"
    assert several.json["threads"][1]["error"]["code"] == "THREAD_NOT_FOUND"
    cancelled = cli("thread", "result", "tour", "three", "--wait", "--json")
    assert (cancelled.status, cancelled.json["status"]) == (1, "cancelled")
    assert cancelled.err.startswith("error: CANCELLED: ")

    shown = cli.json("thread", "show", "tour", "two")
    assert set(shown) >= THREAD | {
        "variables", "error", "holds", "in_flight", "fork_info", "copy_info", "result", "started_at", "completed_at",
    }  # fmt: skip
    records = cli.json("session", "history", "tour", "--actor", "ada")["records"]
    assert {"seq", "type", "thread", "node", "actor", "reason", "timestamp", "details"} <= set(records[0])
    assert {record["reason"] for record in records} == {"look at it"}
    limited = cli.json("session", "history", "tour", "--type", "thread_forked", "--limit", "1")["records"]
    assert [record["thread"] for record in limited] == ["two"]
    statistics = cli.json("session", "stats", "tour")
    assert {"operations", "performance", "usage", "resources"} <= set(statistics)
    assert statistics["operations"]["fork"] == {
        "total": 1, "successful": 1, "failed": 0, "by_strategy": {"partial": 1},
    }  # fmt: skip
    assert statistics["operations"]["copy"]["by_strategy"] == {"selective": 1}

    unconfirmed = cli("session", "terminate", "tour", "--json")
    assert (unconfirmed.status, unconfirmed.json["error"]["code"]) == (1, "CONFIRMATION_REQUIRED")
    assert cli.json("session", "terminate", "tour", "--yes", "--wait")["status"] == "terminated"
    ended = cli("session", "pause", "tour", "--json")
    assert (ended.status, ended.json["error"]["code"]) == (1, "SESSION_NOT_ACTIVE")
    again = cli("session", "start", "tour", "--json")
    assert (again.status, again.json["error"]["code"]) == (1, "SESSION_EXISTS")


def test_a_failing_thread_fails_the_command_that_waits_for_it(cli: CommandLine, dev: Dev) -> None:
    cli.json("session", "start", "failing")
    flow = dev.folder / "refused.yaml"
    ended = cli("thread", "start", "failing", flow, "--id", "one", "--input", '"Bob"', "--wait", "--json")
    assert ended.status == 1
    assert (ended.json["thread_id"], ended.json["status"], ended.json["result"]) == ("one", "failed", None)
    assert (ended.json["error"]["code"], ended.json["error"]["node"]) == ("NOT_HIM", "refuse")
    assert ended.err.splitlines()[0].startswith("error: NOT_HIM: ")
    (item,) = cli.json("attention", "--session", "failing")["items"]
    assert (item["kind"], item["thread_id"]) == ("failed", "one")
    assert cli.json("thread", "destroy", "failing", "one", "--yes") == {"thread_id": "one", "destroyed": True}
    assert cli.json("session", "threads", "failing")["threads"] == []
    assert cli.json("session", "close", "failing", "--wait")["status"] == "closed"
    assert "failing" in {found["session_id"] for found in cli.json("session", "list", "--status", "closed")["sessions"]}


STUCK = """\
flow: stuck
version: "1"
start: call
nodes:
  call: {kind: activity, activity: nobody_has_this, args: [], effect: none, next: done, QUEUE}
  done: {kind: end}
"""


def test_a_draft_runs_when_it_has_been_activated(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "draft.yaml"
    file.write_text(STUCK.replace("stuck", "drafted").replace("QUEUE", "title: first"))
    assert cli.json("flow", "register", file, "--draft")["status"] == "draft"
    file.write_text(STUCK.replace("stuck", "drafted").replace("QUEUE", "title: second"))
    draft = cli.json("flow", "register", file, "--draft")
    listed = [flow for flow in cli.json("flow", "list")["flows"] if flow["flow"] == "drafted"]
    assert [(flow["status"], flow["digest"]) for flow in listed] == [("draft", draft["digest"])]
    assert "drafted@1  ○ draft" in cli("flow", "show", "drafted@1").out

    cli.json("session", "start", "drafts")
    refused = cli("thread", "start", "drafts", "drafted@1")
    assert refused.status == 1
    assert refused.err.startswith("error: FLOW_NOT_ACTIVE: drafted@1 is a draft; `flow activate drafted@1` lets it run")

    activated = cli.json("flow", "activate", "drafted@1")
    assert (activated["status"], activated["digest"]) == ("active", draft["digest"])
    assert cli.json("thread", "start", "drafts", "drafted", "--hold")["status"]
    file.write_text(STUCK.replace("stuck", "drafted").replace("QUEUE", "title: third"))
    changed = cli("flow", "register", file, "--draft", "--json")
    assert changed.json["error"]["code"] == "FLOW_VERSION_EXISTS"
    cli.json("session", "terminate", "drafts", "--yes", "--grace", "1s")


def test_attention_and_doctor_tell_what_is_stuck(cli: CommandLine, tmp_path: Path) -> None:
    cli.json("session", "start", "stuck")
    for thread, queue in (("untaken", "task_queue: elsewhere"), ("unknown", "title: x"), ("held", "title: x")):
        file = tmp_path / f"{thread}.yaml"
        file.write_text(STUCK.replace("stuck", thread).replace("QUEUE", queue))
        more = ["--hold", "--reason", "not yet"] if thread == "held" else []
        cli.json("thread", "start", "stuck", file, "--id", thread, *more)

    def items() -> dict[str, dict[str, str]]:
        return {item["thread_id"]: item for item in cli.json("attention", "--session", "stuck")["items"]}

    found = eventually(items, lambda items: set(items) == {"untaken", "unknown", "held"})
    assert {thread: item["kind"] for thread, item in found.items()} == {
        "untaken": "no_worker", "unknown": "retrying", "held": "held",
    }  # fmt: skip
    assert "elsewhere" in found["untaken"]["message"]
    assert "nobody_has_this" in found["unknown"]["message"]
    assert found["held"]["try"] == "thread resume stuck held"

    cli.json("flow", "register", tmp_path / "untaken.yaml")
    try:
        looked = cli("doctor", "--json")
        assert looked.status == 3
        assert [check["name"] for check in looked.json["checks"] if not check["ok"]] == ["task queue elsewhere"]
    finally:
        cli.json("flow", "archive", "untaken@1")
    cli.json("session", "terminate", "stuck", "--yes", "--grace", "1s")
