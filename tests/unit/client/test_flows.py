from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Code, ThreadloomError
from domain.flow.parse import digest_of
from domain.records import StoredFlow
from threadloom.flows import Flows

DOCUMENT = {"flow": "short", "version": "1", "start": "done", "nodes": {"done": {"kind": "end"}}}


class Registry:
    """Registered flows in memory, in the order of their registration."""

    def __init__(self) -> None:
        self.flows: dict[tuple[str, str], StoredFlow] = {}

    async def register(
        self, document: dict[str, Any], digest: str, *, actor: str | None, at: datetime, draft: bool = False
    ) -> StoredFlow:
        key = (document["flow"], document["version"])
        new = StoredFlow(
            flow=key[0],
            version=key[1],
            digest=digest,
            status="draft" if draft else "active",
            document=document,
            registered_at=at,
            registered_by=actor,
        )
        stored = self.flows.setdefault(key, new)
        if stored.status == "draft":
            stored = self.flows[key] = new
        if stored.digest != digest:
            raise ThreadloomError(Code.FLOW_VERSION_EXISTS, "another content")
        return stored

    async def find(self, flow: str, version: str | None = None) -> StoredFlow | None:
        named = [stored for stored in reversed(self.flows.values()) if stored.flow == flow]
        if version is None:
            return next((stored for stored in named if stored.status == "active"), None)
        return next((stored for stored in named if stored.version == version), None)

    async def list(self) -> list[StoredFlow]:
        return list(self.flows.values())

    async def set_status(self, flow: str, version: str, status: str) -> StoredFlow:
        if (flow, version) not in self.flows:
            raise ThreadloomError(Code.FLOW_NOT_FOUND, f"no flow {flow}@{version}")
        changed = self.flows[flow, version].model_copy(update={"status": status})
        self.flows[flow, version] = changed
        return changed


@pytest.fixture
def flows() -> Flows:
    return Flows(Registry(), "ann")


async def test_a_registered_flow_is_found_by_name_and_version(flows: Flows) -> None:
    registered = await flows.register(DOCUMENT)
    assert (registered.flow, registered.version, registered.registered_by) == ("short", "1", "ann")
    assert "document" not in registered.model_dump(mode="json")
    newer = DOCUMENT | {"version": "2"}
    await flows.register(newer, actor="bob")
    assert [view.version for view in await flows.list()] == ["1", "2"]
    assert (await flows.resolve("short")).document == newer
    resolved = await flows.resolve("short@1")
    assert (resolved.document, resolved.label, resolved.digest) == (DOCUMENT, "short@1", digest_of(DOCUMENT))
    assert (await flows.find("short@2")).registered_by == "bob"


async def test_only_an_active_version_runs(flows: Flows) -> None:
    await flows.register(DOCUMENT)
    assert (await flows.set_status("short@1", "inactive")).status == "inactive"
    for ref in ("short@1", "short"):
        with pytest.raises(ThreadloomError, match="FLOW_NOT_ACTIVE"):
            await flows.resolve(ref)
    assert (await flows.find("short@1")).status == "inactive"


async def test_a_draft_does_not_run_and_the_refusal_says_how_it_would(flows: Flows) -> None:
    assert (await flows.register(DOCUMENT, draft=True)).status == "draft"
    for needed in ("short@1", "short", calling("outer", "short"), calling("outer", "short@1")):
        with pytest.raises(ThreadloomError, match=r"FLOW_NOT_ACTIVE.*`flow activate short@1`"):
            await flows.resolve(needed)
    assert (await flows.find("short@1")).status == "draft"
    await flows.set_status("short@1", "active")
    assert (await flows.resolve(calling("outer", "short"))).flows == {"short": DOCUMENT}


async def test_a_draft_beside_an_active_version_is_not_what_the_name_means(flows: Flows) -> None:
    await flows.register(DOCUMENT)
    await flows.register(DOCUMENT | {"version": "2"}, draft=True)
    assert (await flows.resolve(calling("outer", "short"))).flows == {"short": DOCUMENT}


async def test_of_archived_versions_nothing_is_said_to_make_them_run(flows: Flows) -> None:
    await flows.register(DOCUMENT)
    await flows.set_status("short@1", "archived")
    for ref in ("short", "short@1"):
        with pytest.raises(ThreadloomError, match="FLOW_NOT_ACTIVE") as refused:
            await flows.resolve(ref)
        assert "activate" not in refused.value.message


@pytest.mark.parametrize("ref", ["long", "short@9", "", "@1", "short@"])
async def test_a_flow_that_is_not_registered(flows: Flows, ref: str) -> None:
    await flows.register(DOCUMENT)
    with pytest.raises(ThreadloomError, match="FLOW_NOT_FOUND"):
        await flows.resolve(ref)


async def test_a_status_is_set_on_a_version(flows: Flows) -> None:
    await flows.register(DOCUMENT)
    with pytest.raises(ThreadloomError, match=r"INVALID_ARGUMENT.*short@VERSION"):
        await flows.set_status("short", "inactive")


async def test_a_file_runs_without_being_registered(flows: Flows, tmp_path: Path) -> None:
    file = tmp_path / "short.json"
    file.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    resolved = await flows.resolve(str(file))
    assert (resolved.document, resolved.label, resolved.digest) == (DOCUMENT, "short@1", digest_of(DOCUMENT))
    registered = await flows.register(file)
    assert registered.digest == resolved.digest


@pytest.mark.parametrize("name", ["a.yaml", "b.yml", "c.json"])
async def test_a_file_beside_is_known_by_its_ending(
    flows: Flows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_text(json.dumps(DOCUMENT), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert (await flows.resolve(name)).label == "short@1"


async def test_a_file_that_is_not_there(flows: Flows, tmp_path: Path) -> None:
    for ref in (f"{tmp_path}/none.yaml", str(tmp_path), "./none"):
        with pytest.raises(ThreadloomError, match="FLOW_NOT_FOUND"):
            await flows.resolve(ref)


async def test_a_file_that_is_no_text(flows: Flows, tmp_path: Path) -> None:
    (tmp_path / "image.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ThreadloomError, match=r"FLOW_NOT_FOUND.*image\.yaml"):
        await flows.resolve(f"{tmp_path}/image.yaml")


async def test_a_file_with_mistakes_names_each_by_line(flows: Flows, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("flow: wrong\nversion: '1'\nstart: nowhere\nnodes:\n  done: {kind: stop}\n", encoding="utf-8")
    for use in (flows.resolve(str(file)), flows.register(str(file))):
        with pytest.raises(ThreadloomError, match="FLOW_INVALID") as refused:
            await use
        problems = refused.value.details["problems"]
        assert {(problem["line"], problem["code"]) for problem in problems} >= {
            (3, "UNKNOWN_NODE"),
            (5, "UNKNOWN_KIND"),
        }
        assert json.loads(json.dumps(problems)) == problems


async def test_a_document_with_mistakes(flows: Flows) -> None:
    with pytest.raises(ThreadloomError, match="FLOW_INVALID") as refused:
        await flows.register({"flow": "wrong"})
    assert refused.value.details["problems"]


def calling(name: str, *references: str, version: str = "1") -> dict[str, Any]:
    """A flow whose nodes call others in turn."""
    ways = [*(f"n{place}" for place in range(1, len(references))), "done"]
    nodes = {
        f"n{place}": {"kind": "subflow", "flow": reference, "next": ways[place]}
        for place, reference in enumerate(references)
    }
    return {"flow": name, "version": version, "start": "n0", "nodes": {**nodes, "done": {"kind": "end"}}}


async def test_a_flow_is_resolved_with_the_flows_that_it_names_and_those_that_they_name(flows: Flows) -> None:
    inner, deep = calling("inner", "deep@1", "inner"), calling("deep", "inner@1")
    await flows.register(inner)
    await flows.register(deep)
    resolved = await flows.resolve(calling("outer", "inner"))
    assert resolved.flows == {"inner": inner, "deep@1": deep, "inner@1": inner}


async def test_a_name_without_a_version_means_the_newest_active_one(flows: Flows) -> None:
    await flows.register(DOCUMENT)
    newer = {**DOCUMENT, "version": "2"}
    await flows.register(newer)
    resolved = await flows.resolve(calling("outer", "short", "short@1"))
    assert resolved.flows == {"short": newer, "short@1": DOCUMENT}


async def test_a_file_may_call_itself_without_being_registered(flows: Flows, tmp_path: Path) -> None:
    document = calling("loop", "loop", "loop@1")
    file = tmp_path / "loop.json"
    file.write_text(json.dumps(document))
    assert (await flows.resolve(str(file))).flows == {"loop": document, "loop@1": document}


async def test_a_registered_flow_that_calls_itself_means_what_is_registered(flows: Flows) -> None:
    document = calling("loop", "loop")
    await flows.register(document)
    newer = calling("loop", "loop", version="2")
    await flows.register(newer)
    assert (await flows.resolve("loop@1")).flows == {"loop": newer}


@pytest.mark.parametrize(("status", "code"), [(None, Code.FLOW_NOT_FOUND), ("inactive", Code.FLOW_NOT_ACTIVE)])
async def test_a_named_flow_that_cannot_run_is_refused_with_who_needs_it(
    flows: Flows, status: str | None, code: Code
) -> None:
    if status is not None:
        await flows.register(DOCUMENT)
        await flows.set_status("short@1", status)
    with pytest.raises(ThreadloomError, match=r"outer@1") as refused:
        await flows.resolve(calling("outer", "short@1"))
    assert refused.value.code == code
