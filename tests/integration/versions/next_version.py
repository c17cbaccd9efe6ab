"""The product's next version, as a test imagines it: threads take one step more, behind a patch."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from domain.values import JsonObject
from workflows.thread.workflow import ThreadWorkflow

PATCH = "one-step-more"


@workflow.defn(name="ThreadWorkflow", sandboxed=False)
class NextThreadWorkflow(ThreadWorkflow):
    """A thread of the next version."""

    @workflow.init
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)

    @workflow.run
    async def run(self, *args: Any) -> JsonObject:
        """Begin with a timer, which no thread of this version has."""
        if workflow.patched(PATCH):
            await workflow.sleep(0.001)
        return await super().run(*args)
