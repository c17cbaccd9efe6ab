"""A resource pool, driven from a shell, with the shapes that scripts rely on."""

from __future__ import annotations

from tests.integration.cli.conftest import CommandLine, eventually

POOL = {"pool", "status", "title", "capacity", "in_use", "free", "held", "waiting", "config", "created_at"}
LEASE = {"lease_id", "holder", "session_id", "thread_id", "amount", "priority", "since", "granted_at", "expires_at"}


def test_a_pool_from_its_making_to_its_end(cli: CommandLine) -> None:
    made = cli.json("pool", "create", "seats", "--capacity", "2", "--lease", "10m", "--title", "Seats")
    assert set(made) >= POOL
    assert (made["pool"], made["status"], made["capacity"], made["free"]) == ("seats", "active", 2, 2)
    assert made["config"]["lease"] == "10m"
    refused = cli("pool", "create", "seats", "--capacity", "3")
    assert (refused.status, refused.err.splitlines()[0][:19]) == (1, "error: POOL_EXISTS:")

    held = cli.json(
        "pool", "acquire", "seats", "--amount", "1.5", "--holder", "bob", "--ttl", "1h", "--command-id", "b"
    )
    assert set(held) >= {"pool", "lease_id", "granted", "expires_at"}
    assert held["granted"] is True
    again = cli.json(
        "pool", "acquire", "seats", "--amount", "1.5", "--holder", "bob", "--ttl", "1h", "--command-id", "b"
    )
    assert again == held

    full = cli("pool", "acquire", "seats", "--json")
    assert (full.status, full.json["error"]["code"]) == (1, "RESOURCES_INSUFFICIENT")
    assert full.json["error"]["details"] == {"pool": "seats", "needed": 1, "free": 0.5, "capacity": 2}
    waiting = cli.json("pool", "acquire", "seats", "--holder", "eve", "--line", "--actor", "ann", "--reason", "a demo")
    assert (waiting["granted"], waiting["place"]) == (False, 1)
    late = cli("pool", "acquire", "seats", "--holder", "joe", "--wait", "--timeout", "300ms", "--json")
    assert (late.status, late.json["error"]["code"]) == (1, "TIMED_OUT")

    shown = cli.json("pool", "show", "seats")
    assert set(shown) >= POOL | {"holders", "line"}
    assert set(shown["holders"][0]) >= LEASE
    assert [(lease["holder"], lease["amount"]) for lease in shown["holders"]] == [("bob", 1.5)]
    assert [(lease["holder"], lease["place"]) for lease in shown["line"]] == [("eve", 1), ("joe", 2)]
    text = cli("pool", "show", "seats").out
    assert "● active" in text
    assert "bob" in text

    renewed = cli.json("pool", "renew", "seats", held["lease_id"], "--ttl", "2h")
    assert renewed["expires_at"] > held["expires_at"]
    assert cli.json("pool", "resize", "seats", "2.5")["config"]["capacity"] == 2.5
    assert cli.json("pool", "configure", "seats", '{"lease": "1m"}')["config"]["lease"] == "1m"
    released = cli.json("pool", "release", "seats", held["lease_id"])
    assert released == {"pool": "seats", "lease_id": held["lease_id"], "released": True}
    unknown = cli("pool", "renew", "seats", held["lease_id"], "--json")
    assert (unknown.status, unknown.json["error"]["code"]) == (1, "LEASE_NOT_FOUND")
    assert [lease["holder"] for lease in cli.json("pool", "show", "seats")["holders"]] == ["eve", "joe"]

    (listed,) = [pool for pool in cli.json("pool", "list")["pools"] if pool["pool"] == "seats"]
    assert (listed["capacity"], listed["in_use"], listed["held"]) == (2.5, 2, 2)
    assert "seats" in cli("pool", "list").out

    records = cli.json("pool", "history", "seats")["records"]
    assert {"seq", "type", "thread", "actor", "reason", "timestamp", "details"} <= set(records[0])
    assert [(record["type"], record["details"].get("in_use")) for record in records] == [
        ("pool_created", None), ("resource_requested", 0), ("resource_allocated", 1.5), ("resource_denied", 1.5),
        ("resource_requested", 1.5), ("resource_requested", 1.5), ("pool_config_changed", 1.5),
        ("resource_allocated", 2.5), ("pool_config_changed", 2.5), ("resource_released", 1),
        ("resource_allocated", 2),
    ]  # fmt: skip
    by_ann = cli.json("pool", "history", "seats", "--actor", "ann")["records"]
    assert [(record["details"]["holder"], record["reason"]) for record in by_ann] == [("eve", "a demo")]
    assert "1.5 of 2" in cli("pool", "history", "seats").out

    unsure = cli("pool", "close", "seats")
    assert (unsure.status, unsure.err.splitlines()[0][:28]) == (1, "error: CONFIRMATION_REQUIRED")
    assert cli.json("pool", "close", "seats", "--yes") == {"pool": "seats", "status": "closing"}
    over = cli("pool", "acquire", "seats", "--json")
    assert (over.status, over.json["error"]["code"]) == (1, "POOL_NOT_ACTIVE")
    assert cli.json("pool", "close", "seats", "--force", "--yes")["status"] == "closed"
    assert eventually(lambda: cli.json("pool", "show", "seats")["status"], lambda seen: seen == "closed")


def test_a_name_is_free_again_when_its_pool_is_closed(cli: CommandLine) -> None:
    first = cli.json("pool", "create", "reused", "--capacity", "1", "--command-id", "first")
    assert cli.json("pool", "create", "reused", "--capacity", "1", "--command-id", "first") == first
    assert cli.json("pool", "close", "reused", "--yes")["status"] == "closed"
    # The same command again tells of the pool that it made, and makes no other.
    assert cli.json("pool", "create", "reused", "--capacity", "1", "--command-id", "first")["status"] == "closed"
    second = cli.json("pool", "create", "reused", "--capacity", "4", "--command-id", "second")
    assert (second["status"], second["capacity"]) == ("active", 4)
    created = [
        record for record in cli.json("pool", "history", "reused")["records"] if record["type"] == "pool_created"
    ]
    assert [record["details"]["capacity"] for record in created] == [1, 4]


def test_a_pool_that_is_none(cli: CommandLine) -> None:
    for arguments in (["show"], ["history"], ["acquire"], ["resize", "1"], ["close", "--yes"], ["release", "x"]):
        command, *rest = arguments
        refused = cli("pool", command, "nosuch", *rest, "--json")
        assert (refused.status, refused.json["error"]["code"]) == (1, "POOL_NOT_FOUND"), arguments
    assert cli("pool", "create", "a b", "--capacity", "1", "--json").json["error"]["code"] == "INVALID_ID"
    assert cli("pool", "create", "empty", "--capacity", "0", "--json").json["error"]["code"] == "INVALID_ARGUMENT"
