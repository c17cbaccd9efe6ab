"""Flows: registered ones, and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.bundle import missing, parsed
from domain.flow.loader import load_flow
from domain.flow.parse import digest_of, parse_flow
from domain.ports import FlowStore
from domain.records import StoredFlow
from domain.values import JsonObject
from threadloom.views import FlowView

FlowSource = str | Mapping[str, Any]
"""A registered `name[@version]`, a file's path, or a flow's document."""

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class ResolvedFlow:
    """A flow that can run.

    Attributes:
        label: `name@version`.
        digest: SHA-256 of the document's canonical JSON.
        flows: The documents of the flows that it names, and of those that they name, by reference.
    """

    document: JsonObject
    label: str
    digest: str
    flows: dict[str, JsonObject] = field(default_factory=dict)


class Flows:
    """The flows that are registered, and those in files.

    Every method but `resolve` of a file needs the database: `DATABASE_UNREACHABLE`, `SCHEMA_OUTDATED`.
    """

    def __init__(self, store: FlowStore, actor: str) -> None:
        self._store = store
        self._actor = actor

    async def register(
        self, source: str | Path | Mapping[str, Any], *, draft: bool = False, actor: str | None = None
    ) -> FlowView:
        """Register a version as active, or as a draft that may be replaced and does not run.

        A version that is no draft any more never changes: the same content again leaves it as it is.

        Args:
            source: A file's path, or the flow's document.
            draft: Whether it stays a draft; without it, a draft of this version becomes active.
            actor: Who registers it; the client's by default.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND` (no such file), `FLOW_INVALID` with every problem,
                `FLOW_VERSION_EXISTS` when the version is no draft and has another content.
        """
        resolved = _of_document(dict(source) if isinstance(source, Mapping) else document_of_file(Path(source)))
        stored = await self._store.register(
            resolved.document, resolved.digest, actor=actor or self._actor, at=datetime.now(UTC), draft=draft
        )
        return _view(stored)

    async def list(self) -> list[FlowView]:
        """All versions, by name, newest first."""
        return [_view(stored) for stored in await self._store.list()]

    async def find(self, ref: str) -> StoredFlow:
        """A registered version with its document, whatever its status.

        Args:
            ref: `name@version`, or `name` for the newest active version.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`; `FLOW_NOT_ACTIVE` when no version was named and none is active.
        """
        name, version = _split(ref)
        stored = await self._store.find(name, version)
        if stored is not None:
            return stored
        others = [other for other in await self._store.list() if other.flow == name] if version is None else []
        if others:
            hint = next((_hint(other) for other in others if other.status != "archived"), "")
            raise ThreadloomError(Code.FLOW_NOT_ACTIVE, f"no version of {name} is active{hint}", {"flow": name})
        raise ThreadloomError(Code.FLOW_NOT_FOUND, f"no flow {ref[:200]} is registered", {"flow": ref[:200]})

    async def set_status(self, ref: str, status: str) -> FlowView:
        """Make a version `active`, `inactive` (not from draft) or, for good, `archived`.

        Args:
            ref: `name@version`.
            status: The new status.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`; `ILLEGAL_TRANSITION` from archived, and from draft to inactive;
                `INVALID_ARGUMENT`.
        """
        name, version = _split(ref)
        if version is None:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"name the version too: {ref[:200]}@VERSION")
        return _view(await self._store.set_status(name, version, status))

    async def resolve(self, source: str | Mapping[str, Any]) -> ResolvedFlow:
        """A flow with all flows that it names, ready to run.

        A file or a document may name itself; everything else that a flow names is registered.

        Args:
            source: A flow's document, or a reference: a file's path when it contains `/` or ends in .yaml,
                .yml or .json; otherwise a registered `name[@version]`, without a version the newest active one.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`; `FLOW_NOT_ACTIVE`; `FLOW_INVALID`, with `problems` in its
                details: {file, line, column, code, severity, message, hint} each.
        """
        if isinstance(source, str) and not is_file(source):
            found, own = await self._registered(source), {}
        else:
            found = _of_document(document_of_file(Path(source)) if isinstance(source, str) else dict(source))
            own = {found.label: found, found.label.partition("@")[0]: found}
        flows: dict[str, JsonObject] = {}
        while absent := missing(parsed(found.document), flows):
            for reference in absent:
                named = own.get(reference) or await self._registered(reference, named_by=found.label)
                flows[reference] = named.document
        return replace(found, flows=flows)

    async def _registered(self, reference: str, named_by: str | None = None) -> ResolvedFlow:
        try:
            stored = await self.find(reference)
        except ThreadloomError as error:
            if named_by is None:
                raise
            message = f"{named_by} needs {reference}: {error.message}"
            raise ThreadloomError(error.code, message, {**error.details, "needed_by": named_by}) from error
        label = f"{stored.flow}@{stored.version}"
        if stored.status != "active":
            needed = f", and {named_by} needs it" if named_by else ""
            status = "a draft" if stored.status == "draft" else stored.status
            message = f"{label} is {status}{needed}{_hint(stored)}"
            raise ThreadloomError(Code.FLOW_NOT_ACTIVE, message, {"flow": label, "status": stored.status})
        return ResolvedFlow(stored.document, label, stored.digest)


def is_file(ref: str) -> bool:
    """Whether a reference means a file."""
    return "/" in ref or ref.endswith(_SUFFIXES)


def _split(ref: str) -> tuple[str, str | None]:
    name, separator, version = ref.partition("@")
    return name, version if separator else None


def _hint(stored: StoredFlow) -> str:
    """What makes a version that is not active run; nothing does when it is archived."""
    return "" if stored.status == "archived" else f"; `flow activate {stored.flow}@{stored.version}` lets it run"


def document_of_file(path: Path) -> JsonObject:
    """The document in a flow's file.

    Raises:
        ThreadloomError: `FLOW_NOT_FOUND` when it cannot be read; `FLOW_INVALID`, with `problems` in its details.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ThreadloomError(Code.FLOW_NOT_FOUND, f"{path}: {reason}", {"file": str(path)}) from error
    loaded = load_flow(text, str(path))
    if loaded.flow is None or loaded.document is None:
        errors = [problem for problem in loaded.problems if problem.severity == "error"]
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        problems = [asdict(problem) for problem in loaded.problems]
        raise ThreadloomError(Code.FLOW_INVALID, f"{errors[0]}{more}", {"problems": problems})
    return loaded.document


def _of_document(document: JsonObject) -> ResolvedFlow:
    flow = parse_flow(document)
    return ResolvedFlow(document, flow.label, digest_of(document))


def _view(stored: StoredFlow) -> FlowView:
    return FlowView.model_validate(stored.model_dump(exclude={"document"}))
