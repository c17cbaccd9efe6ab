"""Messages and mailboxes, driven from a shell."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.cli.conftest import CommandLine, eventually

FLOW = {
    "flow": "attentive",
    "version": "1",
    "start": "hear",
    "nodes": {"hear": {"kind": "receive", "name": "go", "next": "done"}, "done": {"kind": "end"}},
}


def test_a_message_to_all_and_what_is_unread(cli: CommandLine, tmp_path: Path) -> None:
    flow = tmp_path / "attentive.json"
    flow.write_text(json.dumps(FLOW))
    cli.json("session", "start", "talk", "--config", '{"max_mailbox": 2, "max_messages": 5}')
    for thread in ("one", "two"):
        cli.json("thread", "start", "talk", flow, "--id", thread)
        eventually(
            lambda thread=thread: cli.json("thread", "show", "talk", thread),  # type: ignore[misc]
            lambda seen: bool(seen["waiting"]),
        )
    assert cli.json("thread", "send", "talk", "one", '"just you"', "--type", "control")["thread_id"] == "one"

    told = cli.json("session", "broadcast", "talk", '{"n": 1}', "--name", "news", "--type", "event", "--id", "m")
    assert (sorted(told["delivered"]), told["refused"]) == (["one", "two"], {})
    (first, second) = cli.json("thread", "messages", "talk", "one")["messages"]
    assert (first["type"], first["body"]) == ("control", "just you")
    assert {"id": "m", "name": "news", "type": "event", "body": {"n": 1}}.items() <= second.items()
    assert {"sender", "at"} <= set(second)
    shown = cli.json("thread", "show", "talk", "one")["mailbox"]
    assert (shown["unread"], shown["limit"]) == (2, 2)
    assert shown["by_type"] == {"data": 0, "control": 1, "event": 1, "error": 0}
    threads = cli.json("session", "threads", "talk")["threads"]
    assert {thread["thread_id"]: thread["mailbox"]["unread"] for thread in threads} == {"one": 2, "two": 1}

    refused = cli("session", "broadcast", "talk", "2", "--command-id", "late", "--json")
    assert refused.status == 1
    assert refused.json["delivered"] == ["two"]
    assert refused.json["refused"] == {"one": "MAILBOX_FULL"}
    assert refused.err.startswith("error: MAILBOX_FULL: not taken by 1 of 2 threads: one MAILBOX_FULL\n")
    assert "just you" in cli("thread", "messages", "talk", "one").out
    assert "2 unread of 2 (1 control, 1 event)" in cli("thread", "show", "talk", "one").out
    assert "unread" in cli("session", "threads", "talk").out
    plain = cli("session", "broadcast", "talk", "2", "--command-id", "late")
    assert plain.out.splitlines() == ["delivered to 1 thread", "thread one: ✗ MAILBOX_FULL"]

    cli.json("thread", "cancel", "talk", "one", "two", "--wait")
    cli.json("session", "resume", "talk")
    stats = eventually(lambda: cli.json("session", "stats", "talk"), lambda seen: seen["messages"]["received"] == 4)
    assert stats["messages"]["by_type"] == {"control": 1, "event": 2, "data": 1}
    assert cli.json("session", "show", "talk")["activity"] == {"message_count": 4}
    assert "4: 1 data, 1 control, 2 event" in cli("session", "stats", "talk").out
    assert cli.json("session", "broadcast", "talk", "0") | {"command_id": ""} == {
        "command_id": "", "delivered": [], "refused": {}, "not_started": [],
    }  # fmt: skip
