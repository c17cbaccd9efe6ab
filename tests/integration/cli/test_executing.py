"""A thread without a flow of its own, driven from a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.cli.conftest import CommandLine, Dev, eventually

COUNT = {
    "flow": "counted",
    "version": "1",
    "variables": {"n": 0},
    "start": "count",
    "nodes": {
        "count": {"kind": "set", "set": {"n": "{{ n + input }}"}, "next": "enough"},
        "enough": {"kind": "decision", "next": [{"when": "n > 9", "to": "broken"}, {"to": "done"}]},
        "broken": {"kind": "fail", "code": "TOO_MUCH", "message": "more than nine"},
        "done": {"kind": "end", "result": {"n": "{{ n }}"}},
    },
}
ASK = {
    "flow": "asked",
    "version": "1",
    "start": "ask",
    "nodes": {
        "ask": {"kind": "approval", "prompt": "Go on?", "choices": ["yes", "no"], "next": "done"},
        "done": {"kind": "end", "result": "{{ nodes.ask.result.choice }}"},
    },
}


def test_a_thread_that_is_given_one_flow_after_the_other(cli: CommandLine, dev: Dev, tmp_path: Path) -> None:
    count, ask = tmp_path / "count.json", tmp_path / "ask.json"
    count.write_text(json.dumps(COUNT))
    ask.write_text(json.dumps(ASK))
    cli.json("session", "start", "idle")
    created = cli.json("thread", "create", "idle", "--id", "t", "--context", '{"who": "ann"}', "--title", "Helper")
    assert created["thread_id"] == "t"

    def shown() -> Any:
        return cli.json("thread", "show", "idle", "t")

    seen = eventually(shown, lambda thread: thread["waiting"] is not None)
    assert (seen["status"], seen["flow"], seen["waiting_for"]) == ("running", None, "a flow to execute")
    assert (seen["waiting"]["kind"], seen["title"]) == ("flow", "Helper")
    (listed,) = cli.json("thread", "list", "idle", "--waiting", "flow")["threads"]
    assert listed["thread_id"] == "t"
    assert "–" in cli("session", "threads", "idle").out

    accepted = cli.json("thread", "execute", "idle", "t", count, "--input", "2", "--command-id", "one")
    assert (accepted["thread_id"], accepted["execution"], accepted["status"]) == ("t", 1, "accepted")
    ended = cli.json("thread", "execute", "idle", "t", count, "--input", "3", "--wait")
    assert (ended["number"], ended["status"], ended["result"], ended["error"]) == (2, "completed", {"n": 5}, None)
    failed = cli("thread", "execute", "idle", "t", count, "--input", "5", "--wait", "--json")
    assert (failed.status, failed.json["status"], failed.json["error"]["code"]) == (1, "failed", "TOO_MUCH")
    assert failed.err.splitlines()[0] == "error: TOO_MUCH: more than nine"
    assert cli.json("thread", "result", "idle", "t") == {"status": "running", "result": None, "error": None}
    text = cli("thread", "show", "idle", "t").out
    assert "3: counted@1, failed, TOO_MUCH: more than nine" in text

    cli.json("thread", "execute", "idle", "t", ask)
    (approval,) = eventually(
        lambda: cli.json("approvals", "list", "--session", "idle")["approvals"], lambda found: len(found) == 1
    )
    assert approval["node"] == "4/ask"
    late = cli("thread", "execute", "idle", "t", count, "--input", "-8", "--wait", "--timeout", "300ms", "--json")
    assert (late.status, late.json["error"]["code"]) == (1, "TIMED_OUT")
    forked = cli.json("thread", "fork", "idle", "t", "--at", "2/count", "--set", "n=1", "--id", "f")
    assert forked["fork_point"] == "2/count#1"
    assert cli.json("thread", "close", "idle", "t")["status"] == "running"
    refused = cli("thread", "execute", "idle", "t", count, "--input", "1", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "ILLEGAL_TRANSITION")
    cli.json("thread", "decide", "idle", "t", "4/ask", "yes")
    assert cli.json("thread", "result", "idle", "t", "--wait") == {"status": "completed", "result": None, "error": None}
    nodes = [each["node"] for each in cli.json("thread", "executions", "idle", "t")["executions"]]
    assert nodes[-5:] == ["4", "5/count", "5/enough", "5/done", "5"]
    types = [
        each["type"] for each in cli.json("session", "history", "idle", "--thread", "t", "--limit", "1000")["records"]
    ]
    assert types.count("flow_executed") == 4
    assert types.count("flow_failed") == 1
    assert cli.json("thread", "variables", "idle", "f")["variables"] == {"n": 4}
    assert cli.json("session", "close", "idle", "--wait")["status"] == "closed"
    assert cli.json("thread", "show", "idle", "f")["status"] == "completed"
