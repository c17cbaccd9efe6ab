"""Shows in Temporal's own lists and pages where a workflow stands."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from domain.searching import FLOW, HELD, SESSION, STATUS

_SESSION = SearchAttributeKey.for_keyword(SESSION)
_STATUS = SearchAttributeKey.for_keyword(STATUS)
_FLOW = SearchAttributeKey.for_keyword(FLOW)
_HELD = SearchAttributeKey.for_bool(HELD)


class Visibility:
    """Keeps a workflow's search attributes as its status is.

    Args:
        searchable: Whether the attributes are registered with the server.
    """

    def __init__(self, searchable: bool) -> None:
        self._searchable = searchable
        known = workflow.info().typed_search_attributes
        self._shown = (known.get(_STATUS), known.get(_HELD))

    def show(self, status: str, *, held: bool, session: str, flow: str | None = None) -> bool:
        """Set what changed; whether that was a command to Temporal."""
        if not self._searchable or self._shown == (status, held):
            return False
        updates: list[SearchAttributeUpdate[Any]] = [_STATUS.value_set(status), _HELD.value_set(held)]
        if self._shown[0] is None:
            updates.append(_SESSION.value_set(session))
            updates += [_FLOW.value_set(flow)] if flow is not None else []
        workflow.upsert_search_attributes(updates)
        self._shown = (status, held)
        return True


def of_new_thread(session: str, flow: str | None, *, held: bool) -> TypedSearchAttributes:
    """What a thread's workflow is started with: that costs no event of its own."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(_SESSION, session),
            SearchAttributePair(_STATUS, "pending" if held else "running"),
            *([SearchAttributePair(_FLOW, flow)] if flow is not None else []),
            SearchAttributePair(_HELD, False),
        ]
    )
