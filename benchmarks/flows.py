"""The same jobs as flows."""

from __future__ import annotations

from typing import Any, Literal

from benchmarks.steps import INLINE_INCREMENT

Flow = dict[str, Any]


def chain(
    steps: int,
    mode: Literal["remote", "local", "inline"],
    *,
    name: str | None = None,
    fused: int | None = None,
) -> Flow:
    """Nodes that add one, one after the other.

    Args:
        steps: How many.
        mode: Where they run.
        name: The flow's; made of the mode by default.
        fused: Local nodes in one local activity; the product's default without it.
    """
    called = INLINE_INCREMENT if mode == "inline" else "increment"
    step = {"kind": "activity", "activity": called, "mode": mode, "args": ["{{ number }}"], "effect": "none"}
    nodes: Flow = {f"s{at}": {**step, "save": "number", "next": f"s{at + 1}"} for at in range(steps)}
    nodes[f"s{steps}"] = {"kind": "end", "result": "{{ number }}"}
    more = {"checkpoint": {"nodes": fused, "time": "500ms"}} if fused else {}
    return _flow(name or f"chain-{mode}", nodes, variables={"number": 0}, **more)


def parallel(children: int, child: str) -> Flow:
    """Threads of another flow, all at once, and their results."""
    nodes: Flow = {
        "start": {
            "kind": "spawn", "flow": child, "each": "{{ range(children) | list }}", "save": "ids", "next": "finish"
        },
        "finish": {"kind": "join", "of": "start", "need": "all", "save": "results", "next": "done"},
        "done": {"kind": "end", "result": "{{ results | map(attribute='result') | list }}"},
    }  # fmt: skip
    return _flow("parallel", nodes, variables={"children": children})


def two_values() -> Flow:
    """Two nodes that compute a little from the input."""
    nodes: Flow = {
        "double": {"kind": "set", "set": {"doubled": "{{ input * 2 }}"}, "next": "more"},
        "more": {"kind": "set", "set": {"more": "{{ doubled + 1 }}"}, "next": "done"},
        "done": {"kind": "end", "result": "{{ more }}"},
    }
    return _flow("two-values", nodes)


def waiting() -> Flow:
    """Waits for a message named `go`."""
    nodes: Flow = {"wait": {"kind": "receive", "name": "go", "next": "done"}, "done": {"kind": "end"}}
    return _flow("waiting", nodes)


def loop(visits: int, ballast: int) -> Flow:
    """A local node, visited again and again beside a large variable that never changes.

    Args:
        visits: To the local node; the decision behind it has as many.
        ballast: Characters of the variable.
    """
    nodes: Flow = {
        "work": {
            "kind": "activity", "activity": "increment", "mode": "local", "args": ["{{ number }}"], "effect": "none",
            "save": "number", "max_visits": visits, "next": "again",
        },
        "again": {
            "kind": "decision", "max_visits": visits,
            "next": [{"when": f"number < {visits}", "to": "work"}, {"to": "done"}],
        },
        "done": {"kind": "end", "result": "{{ number }}"},
    }  # fmt: skip
    return _flow("loop", nodes, variables={"number": 0, "ballast": "x" * ballast})


def idle() -> Flow:
    """Waits for a message."""
    nodes = {"wait": {"kind": "receive", "name": "go", "save": "received", "next": "done"}, "done": {"kind": "end"}}
    return _flow("idle", nodes)


def _flow(name: str, nodes: Flow, **more: Any) -> Flow:
    return {"flow": name, "version": "1", "start": next(iter(nodes)), "nodes": nodes, **more}
