"""A job in LangGraph: `python -m benchmarks.peers_langgraph DATABASE_URL STEPS`, in the peers' own environment.

A graph of one node that goes round, which is faster there than a chain of as many nodes. Tasks inside
one entry point were faster still, but then each begins before the one ahead of it is on disk.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

from benchmarks.peers_step import add_one


class State(TypedDict):
    """The graph's state."""

    number: int


def main(database_url: str, steps: int) -> None:
    """Run the job twice, and print the figures of the second as JSON."""
    scheme, _, path = database_url.partition(":///")
    saver = SqliteSaver if scheme == "sqlite" else PostgresSaver
    with saver.from_conn_string(path if scheme == "sqlite" else database_url) as checkpointer:
        checkpointer.setup()
        graph = _graph(steps).compile(checkpointer=checkpointer)
        for run in range(2):
            config = {"configurable": {"thread_id": str(run)}, "recursion_limit": steps + 10}
            started = time.perf_counter()
            state = graph.invoke({"number": 0}, config=config, durability="sync")
            seconds = time.perf_counter() - started
            assert state["number"] == steps
    # A run begins with the call here: nothing waits in a queue.
    print(json.dumps({"seconds": seconds, "wall_seconds": seconds}))


def _graph(steps: int) -> Any:
    graph = StateGraph(State)
    graph.add_node("step", lambda state: {"number": add_one(state["number"])})
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: END if state["number"] >= steps else "step", ["step", END])
    return graph


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
