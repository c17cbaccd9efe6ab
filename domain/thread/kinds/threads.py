"""Nodes that start other threads of the session and wait for them."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Literal

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import render
from domain.flow.language.values import text_of
from domain.flow.model import ForkNode, JoinNode, SpawnNode
from domain.thread.active import ActiveNode, Waiting, awaiting
from domain.thread.calls import SessionRequest
from domain.thread.inputs import SessionAnswered
from domain.thread.kinds.outside import own_call
from domain.thread.kinds.visit import Blocked, Done, Failed, Visit
from domain.thread.scope import Scope
from domain.values import Json, JsonObject, digest

SPAWN_LIMIT = 1_000
"""Threads that one node may start."""

COMMAND_ID_LIMIT = 200
"""Characters of a command id; a longer one, of a node deep in subflows, is told by its digest."""

ENDED_WELL = "completed"


def spawn(visit: Visit, node: SpawnNode) -> Done | Blocked:
    commands = []
    document = visit.program.documents.get(node.flow)
    if document is None:
        raise ThreadloomError(Code.FLOW_NOT_FOUND, f"{visit.flow.label} came without the flow {node.flow}")
    for place, scope in _scopes(visit, node.each, node.as_):
        commands.append(
            {
                **_command(visit, node.id, scope, place),
                "input": render(node.input, scope),
                "priority": node.priority or visit.state.identity.priority,
                "requires": dict(node.requires),
                "on_parent_end": node.on_parent_end,
                "spawned_by": visit.state.identity.thread_id,
            }
        )
    return _asked(visit, node, "spawn", commands, {"flow": document, "flows": dict(visit.program.documents)})


def fork(visit: Visit, node: ForkNode) -> Done | Blocked:
    commands = []
    for place, scope in _scopes(visit, node.each, node.as_):
        command = {
            **_command(visit, node.id, scope, place),
            "source": visit.state.identity.thread_id,
            "at": f"{visit.path}#{visit.number}",
            "enter": node.enter,
            "set": {name: render(template, scope) for name, template in node.set.items()},
            "strategy": node.strategy,
            "hold": node.hold,
        }
        commands.append(command)
    other = (
        {"flow": visit.program.documents.get(node.flow), "flows": dict(visit.program.documents)} if node.flow else {}
    )
    return _asked(visit, node, "fork", commands, other)


def started(visit: Visit, told: SessionAnswered) -> Done | Failed:
    """What the session's answer to a spawn or fork comes to."""
    refused = [(thread_id, error) for thread_id, error in told.answers if error is not None]
    made = [thread_id for thread_id, error in told.answers if error is None]
    if not refused:
        return Done(list(made))
    thread_id, error = refused[0]
    details = {"started": list(made), "refused": dict(refused)}
    return visit.fail(str(error.get("code")), f"{thread_id}: {error.get('message')}", details)


def join(visit: Visit, node: JoinNode) -> Done | Blocked:
    if node.of is None:
        threads = render(node.threads, visit.scope())
    else:
        threads = visit.at.result(node.of) if node.of in visit.at.nodes else None
    if not isinstance(threads, list) or not all(isinstance(thread, str) for thread in threads):
        where = f"{node.of} has started no threads" if node.of else f"`threads` of {visit.id} gave no list of ids"
        raise ThreadloomError(Code.EXPRESSION_ERROR, where)
    threads = list(dict.fromkeys(threads))
    if not threads:
        return Done([])
    waiting = Waiting(
        kind="join",
        since=visit.now,
        deadline=visit.deadline(node.timeout),
        expects={"threads": threads, "need": needed(node, len(threads))},
    )
    return Blocked(waiting, SessionRequest(key=visit.key, kind="join", threads=tuple(threads)))


def needed(node: JoinNode, of: int) -> int:
    """How many of so many threads the join waits for."""
    match node.need:
        case "all":
            return of
        case "any":
            return 1
        case "majority":
            return ceil((of + 1) / 2)
        case int():
            return min(node.need, of)


def gathered(visit: Visit, node: JoinNode, active: ActiveNode) -> Blocked | Failed | None:
    """What to do about the threads that have ended; None while more are to be waited for.

    With `on_failed: fail` only threads that completed count, and the join fails as soon as too many
    others have ended for the need to be met.
    """
    if active.waiting.kind != "join":
        return None
    threads: list[str] = active.waiting.expects["threads"]
    need: int = active.waiting.expects["need"]
    ended = [thread for thread in threads if thread in active.standings]
    well = [thread for thread in ended if active.standings[thread] == ENDED_WELL]
    if node.on_failed == "fail" and len(threads) - (len(ended) - len(well)) < need:
        ill = next(thread for thread in ended if thread not in well)
        failed = visit.fail(
            Code.JOIN_FAILED,
            f"{ill} is {active.standings[ill]}",
            {"standings": dict(active.standings), "need": need},
        )
        return Failed(failed.failure, dismissed=_rest(node, threads, active.standings))
    if len(well if node.on_failed == "fail" else ended) < need:
        return None
    message = {"session_id": visit.state.identity.session_id, "thread_ids": ended}
    call = own_call(visit, "threadloom.outcomes", message)
    return Blocked(awaiting(call, active.waiting.since, **active.waiting.expects), call)


def joined(node: JoinNode, active: ActiveNode, outcomes: Json) -> Done:
    """The join's result, once the outcomes are known."""
    return Done(outcomes, dismissed=_rest(node, active.waiting.expects["threads"], active.standings))


def dismissed(node: JoinNode, active: ActiveNode) -> tuple[str, ...]:
    """The threads that need not go on when the join's time is over."""
    return _rest(node, active.waiting.expects["threads"], active.standings)


def _rest(node: JoinNode, threads: list[str], standings: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(thread for thread in threads if thread not in standings) if node.rest == "cancel" else ()


def _scopes(visit: Visit, each: Json, name: str) -> list[tuple[int, Scope]]:
    if each is None:
        return [(0, visit.scope(index=0))]
    listed = render(each, visit.scope())
    if not isinstance(listed, list):
        raise ThreadloomError(Code.EXPRESSION_ERROR, f"`each` of {visit.id} gave no list")
    if len(listed) > SPAWN_LIMIT:
        message = f"{visit.id} would start {len(listed)} threads; {SPAWN_LIMIT} is the limit"
        raise ThreadloomError(Code.LIMIT_REACHED, message)
    return [(place, visit.scope(**{name: item, "index": place})) for place, item in enumerate(listed)]


def _command(visit: Visit, template: str | None, scope: Scope, place: int) -> JsonObject:
    identity = visit.state.identity
    if template is None:
        name = f"{identity.thread_id}.{visit.path.replace('/', '.')}.{visit.number}.{place}"
        if len(name) > 64:
            name = f"{identity.thread_id[:40]}.{digest(name)[:16]}.{place}"
    else:
        name = text_of(render(template, scope))
    command_id = f"{visit.key}/{place}"
    return {
        "command_id": command_id if len(command_id) <= COMMAND_ID_LIMIT else digest(command_id),
        "actor": f"thread {identity.thread_id}",
        "thread_id": name,
    }


def _asked(
    visit: Visit,
    node: SpawnNode | ForkNode,
    kind: Literal["spawn", "fork"],
    commands: list[JsonObject],
    common: JsonObject,
) -> Done | Blocked:
    if not commands:
        return Done([])
    names = [command["thread_id"] for command in commands]
    if len(set(names)) < len(names):
        raise ThreadloomError(Code.THREAD_EXISTS, f"`id` of {visit.id} gave the same id twice")
    request = SessionRequest(key=visit.key, kind=kind, commands=tuple(commands), common=common)
    deadline = visit.deadline(node.timeout)
    return Blocked(Waiting(kind="session", since=visit.now, deadline=deadline, expects={"threads": names}), request)
