"""Flows: registered ones, and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.loader import load_flow
from domain.flow.parse import digest_of, parse_flow
from domain.ports import FlowStore
from domain.records import StoredFlow
from domain.values import JsonObject
from threadloom.views import FlowView

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class ResolvedFlow:
    """A flow that can run.

    Attributes:
        label: `name@version`.
        digest: SHA-256 of the document's canonical JSON.
    """

    document: JsonObject
    label: str
    digest: str


class Flows:
    """The flows that are registered, and those in files.

    Every method but `resolve` of a file needs the database: `DATABASE_UNREACHABLE`, `SCHEMA_OUTDATED`.
    """

    def __init__(self, store: FlowStore, actor: str) -> None:
        self._store = store
        self._actor = actor

    async def register(self, source: str | Path | Mapping[str, Any], *, actor: str | None = None) -> FlowView:
        """Register a version and make it active; the same content again is no change.

        Args:
            source: A file's path, or the flow's document.
            actor: Who registers it; the client's by default.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND` (no such file), `FLOW_INVALID` with every problem,
                `FLOW_VERSION_EXISTS` when the version is registered with another content.
        """
        resolved = _of_document(dict(source)) if isinstance(source, Mapping) else _of_file(Path(source))
        stored = await self._store.register(
            resolved.document, resolved.digest, actor=actor or self._actor, at=datetime.now(UTC)
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
        if version is None and any(other.flow == name for other in await self._store.list()):
            raise ThreadloomError(Code.FLOW_NOT_ACTIVE, f"no version of {name} is active", {"flow": name})
        raise ThreadloomError(Code.FLOW_NOT_FOUND, f"no flow {ref[:200]} is registered", {"flow": ref[:200]})

    async def set_status(self, ref: str, status: str) -> FlowView:
        """Make a version `active`, `inactive` or, for good, `archived`.

        Args:
            ref: `name@version`.
            status: The new status.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`; `ILLEGAL_TRANSITION` from archived; `INVALID_ARGUMENT`.
        """
        name, version = _split(ref)
        if version is None:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"name the version too: {ref[:200]}@VERSION")
        return _view(await self._store.set_status(name, version, status))

    async def resolve(self, ref: str) -> ResolvedFlow:
        """The flow that a reference means, ready to run.

        Args:
            ref: A file's path when it contains `/` or ends in .yaml, .yml or .json; otherwise a
                registered `name[@version]`, without a version the newest active one.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`; `FLOW_NOT_ACTIVE`; `FLOW_INVALID`, with `problems` in its
                details: {file, line, column, code, severity, message, hint} each.
        """
        if is_file(ref):
            return _of_file(Path(ref))
        stored = await self.find(ref)
        if stored.status != "active":
            label = f"{stored.flow}@{stored.version}"
            raise ThreadloomError(
                Code.FLOW_NOT_ACTIVE, f"{label} is {stored.status}", {"flow": label, "status": stored.status}
            )
        return ResolvedFlow(stored.document, f"{stored.flow}@{stored.version}", stored.digest)


def is_file(ref: str) -> bool:
    """Whether a reference means a file."""
    return "/" in ref or ref.endswith(_SUFFIXES)


def _split(ref: str) -> tuple[str, str | None]:
    name, separator, version = ref.partition("@")
    return name, version if separator else None


def _of_file(path: Path) -> ResolvedFlow:
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
    return ResolvedFlow(loaded.document, loaded.flow.label, digest_of(loaded.document))


def _of_document(document: JsonObject) -> ResolvedFlow:
    flow = parse_flow(document)
    return ResolvedFlow(document, flow.label, digest_of(document))


def _view(stored: StoredFlow) -> FlowView:
    return FlowView.model_validate(stored.model_dump(exclude={"document"}))
