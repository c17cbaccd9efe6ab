"""The registry of flows: a version that may run never changes, its status may; a draft is the other way round."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.errors import ThreadloomError
from domain.records import StoredFlow
from storage import Database
from tests.contract.builders import minute


def document(version: str = "1", name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"flow": name, "version": version, "start": "z", "nodes": {"z": {}, "a": {}}} | fields


async def register(
    database: Database, doc: dict[str, Any], digest: str = "d", at: float = 0, *, draft: bool = False
) -> StoredFlow:
    return await database.flows.register(doc, digest, actor="ann", at=minute(at), draft=draft)


async def test_a_registered_flow_is_found_as_it_was_given(database: Database) -> None:
    doc = document(title="T", description="D")
    stored = await register(database, doc)
    assert (stored.flow, stored.version, stored.status, stored.title, stored.description) == (
        "f",
        "1",
        "active",
        "T",
        "D",
    )
    assert (stored.digest, stored.registered_by, stored.registered_at) == ("d", "ann", minute(0))
    assert await database.flows.find("f", "1") == stored
    assert list(stored.document["nodes"]) == ["z", "a"]
    assert await database.flows.find("f", "2") is None
    assert await database.flows.find("g") is None


async def test_the_same_content_again_is_no_change(database: Database) -> None:
    first = await register(database, document())
    await database.flows.set_status("f", "1", "inactive")
    again = await register(database, document(), at=5)
    assert again == first.model_copy(update={"status": "inactive"})
    assert len(await database.flows.list()) == 1


async def test_another_content_for_a_version_is_refused(database: Database) -> None:
    first = await register(database, document())
    with pytest.raises(ThreadloomError, match="FLOW_VERSION_EXISTS"):
        await register(database, document(title="other"), digest="e")
    assert await database.flows.find("f", "1") == first


async def test_of_two_that_register_a_version_at_once_one_wins(database: Database) -> None:
    answers = await asyncio.gather(
        *(register(database, document(title=f"{number % 2}"), digest=f"{number % 2}") for number in range(8)),
        return_exceptions=True,
    )
    stored = await database.flows.find("f", "1")
    assert stored is not None
    assert sum(answer == stored for answer in answers) == 4
    assert [answer.code for answer in answers if isinstance(answer, ThreadloomError)] == ["FLOW_VERSION_EXISTS"] * 4


async def test_without_a_version_the_newest_active_one_is_found(database: Database) -> None:
    for version, at in [("2", 9), ("1", 3), ("3", 6)]:
        await register(database, document(version), digest=version, at=at)

    async def newest() -> str | None:
        found = await database.flows.find("f")
        return found.version if found else None

    assert await newest() == "3"  # the one registered last, whatever its name and its registrar's clock
    await database.flows.set_status("f", "3", "inactive")
    assert await newest() == "1"
    await database.flows.set_status("f", "3", "active")
    assert await newest() == "3"
    for version in "123":
        await database.flows.set_status("f", version, "archived")
    assert await newest() is None
    assert (await database.flows.find("f", "3")) is not None


async def test_all_versions_are_listed_by_name_the_newest_first(database: Database) -> None:
    for name, version in [("b", "1"), ("a", "1"), ("b", "2")]:
        await register(database, document(version, name))
    assert [(row.flow, row.version) for row in await database.flows.list()] == [("a", "1"), ("b", "2"), ("b", "1")]


async def test_archived_is_final(database: Database) -> None:
    await register(database, document())
    assert (await database.flows.set_status("f", "1", "archived")).status == "archived"
    assert (await database.flows.set_status("f", "1", "archived")).status == "archived"
    with pytest.raises(ThreadloomError, match="ILLEGAL_TRANSITION"):
        await database.flows.set_status("f", "1", "active")


async def test_a_status_needs_a_flow_and_a_known_name(database: Database) -> None:
    with pytest.raises(ThreadloomError, match="FLOW_NOT_FOUND"):
        await database.flows.set_status("f", "1", "active")
    with pytest.raises(ThreadloomError, match="INVALID_ARGUMENT"):
        await database.flows.set_status("f", "1", "gone")


async def test_a_draft_is_replaced_as_long_as_it_is_one(database: Database) -> None:
    first = await register(database, document(), draft=True)
    assert (first.status, await database.flows.find("f", "1")) == ("draft", first)
    changed = document(title="T", description="D", nodes={"other": {}})
    second = await register(database, changed, "e", at=5, draft=True)
    assert (second.status, second.digest, second.title, second.description) == ("draft", "e", "T", "D")
    assert (second.document, second.registered_at) == (changed, minute(5))
    assert await database.flows.list() == [second]


async def test_a_draft_registered_without_saying_draft_is_active_with_that_content(database: Database) -> None:
    await register(database, document(), draft=True)
    active = await register(database, document(title="T"), "e")
    assert (active.status, active.digest, active.title) == ("active", "e", "T")
    assert await database.flows.find("f") == active


@pytest.mark.parametrize("status", ["active", "inactive", "archived"])
async def test_what_was_more_than_a_draft_changes_no_more_and_never_is_one_again(
    database: Database, status: str
) -> None:
    await register(database, document(), draft=True)
    if status == "inactive":
        await database.flows.set_status("f", "1", "active")
    stored = await database.flows.set_status("f", "1", status)
    for draft in (True, False):
        with pytest.raises(ThreadloomError, match="FLOW_VERSION_EXISTS"):
            await register(database, document(title="other"), "e", draft=draft)
        assert await register(database, document(), at=5, draft=draft) == stored
    with pytest.raises(ThreadloomError, match="INVALID_ARGUMENT"):
        await database.flows.set_status("f", "1", "draft")
    assert await database.flows.find("f", "1") == stored


async def test_a_draft_is_not_the_newest_active_version(database: Database) -> None:
    await register(database, document("2"), draft=True)
    assert await database.flows.find("f") is None
    released = await register(database, document("1"))
    await register(database, document("3"), draft=True)
    assert await database.flows.find("f") == released


async def test_a_draft_is_not_deactivated(database: Database) -> None:
    draft = await register(database, document(), draft=True)
    with pytest.raises(ThreadloomError, match=r"ILLEGAL_TRANSITION: f@1 is a draft"):
        await database.flows.set_status("f", "1", "inactive")
    assert await database.flows.find("f", "1") == draft


async def test_of_an_activation_and_a_replacement_at_once_the_draft_ends_with_one_content(database: Database) -> None:
    await register(database, document(), "d", draft=True)
    activated, *replaced = await asyncio.gather(
        database.flows.set_status("f", "1", "active"),
        *(register(database, document(title=f"{number}"), f"{number}", draft=True) for number in range(4)),
        return_exceptions=True,
    )
    stored = await database.flows.find("f", "1")
    assert stored is not None
    assert activated == stored
    refused = [answer.code for answer in replaced if isinstance(answer, ThreadloomError)]
    drafts = [answer.digest for answer in replaced if isinstance(answer, StoredFlow)]
    assert refused == ["FLOW_VERSION_EXISTS"] * (4 - len(drafts))
    assert stored.digest in {"d", *drafts}
