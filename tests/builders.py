"""Flows, threads and sessions in a few lines, and drivers that feed the pure cores as their workflows do.

A driver keeps its own clock, takes one input after another, and lets the core go on until it rests.
After every step it checks what must always hold, so that each test that uses it checks that too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from domain.answers import require_same
from domain.codec import dump, load
from domain.errors import ThreadloomError
from domain.flow.model import FlowDefinition
from domain.flow.parse import parse_flow
from domain.messages import Command, CopyThread, CreateThread, ForkThread, PreparedBranch, ThreadReport, ThreadStart
from domain.session import decide as session_core
from domain.session.config import make_config
from domain.session.effects import SessionEffect
from domain.session.effects import effects as session_effects
from domain.session.events import SessionEvent
from domain.session.evolve import evolve as session_evolve
from domain.session.history import fact as session_fact
from domain.session.inputs import Found, Launched, NotLaunched, Prepared, Reported, Request, SessionInput, Tick
from domain.session.operations.base import Branch, Child
from domain.session.operations.copy import prepare_copy
from domain.session.operations.fork import prepare_fork
from domain.session.state import SessionState, SessionStatus, not_paused, taken
from domain.thread.calls import ActivityCall, SessionRequest, WorkflowCall
from domain.thread.checkpoint import fold, saved_in
from domain.thread.decide import decide
from domain.thread.effects import AskSession, RunActivity, RunWorkflow, ThreadEffect, effects
from domain.thread.events import ThreadEvent
from domain.thread.evolve import evolve
from domain.thread.history import fact
from domain.thread.inputs import (
    ActivityCompleted,
    ActivityFailed,
    Advance,
    Answer,
    Archived,
    Cancel,
    Close,
    Execute,
    Pause,
    Receive,
    Resume,
    SessionAnswered,
    ThreadInput,
)
from domain.thread.journal import Failure, executions
from domain.thread.program import Program, Programs
from domain.thread.restoring import restored
from domain.thread.snapshot import Snapshot, create_snapshot, first_seed, restore
from domain.thread.state import BY_HAND, Hold, HoldKind, Identity, Origin, ThreadState
from domain.values import Json, JsonObject, digest

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SESSION = "s"


def later(seconds: float) -> datetime:
    """The instant so many seconds after the beginning."""
    return NOW + timedelta(seconds=seconds)


def flow_of(nodes: JsonObject, *, start: str | None = None, **rest: Any) -> JsonObject:
    """A flow's document. A node that is not given and that an edge leads to ends the thread; `broken` fails it."""
    missing = {name: {"kind": "end"} for node in nodes.values() for name in _targets(node) if name not in nodes}
    if "broken" in missing:
        missing["broken"] = {"kind": "fail", "code": "BROKEN"}
    return {"flow": "f", "version": "1", "start": start or next(iter(nodes)), "nodes": {**nodes, **missing}, **rest}


def _targets(node: JsonObject) -> list[str]:
    edges = [node.get(field, []) for field in ("next", "on_error", "on_timeout")]
    flat = [edge for listed in edges for edge in (listed if isinstance(listed, list) else [listed])]
    return [edge if isinstance(edge, str) else edge["to"] for edge in flat]


def activity(name: str = "work", *, next: Any = "end", **fields: Any) -> JsonObject:
    """A node that calls an activity."""
    return {"kind": "activity", "activity": name, "effect": "none", "next": next, **fields}


def set_(next: Any = "end", **variables: Any) -> JsonObject:
    """A node that sets variables."""
    return {"kind": "set", "set": variables, "next": next}


def identity_of(thread_id: str = "t", **fields: Any) -> Identity:
    """The identity of a created thread."""
    return Identity(session_id=SESSION, thread_id=thread_id, created_at=NOW, **{"root": thread_id, **fields})


def refusal(act: Callable[[], object]) -> ThreadloomError:
    """The error that the action is refused with."""
    try:
        act()
    except ThreadloomError as error:
        return error
    raise AssertionError("it was not refused")


class ThreadDriver:
    """A thread, driven as `ThreadWorkflow` drives it.

    Attributes:
        events: All events, in order.
        effects: All effects, in order.
        call: The activity or workflow in flight.
        items: The items of a map in flight, by their place.
        asked: What the session was asked for, the newest last.
    """

    def __init__(
        self,
        document: JsonObject | None,
        state: ThreadState | None = None,
        *,
        flows: Mapping[str, JsonObject] | None = None,
        **seed: Any,
    ) -> None:
        self.document = document
        self.main = None if document is None else parse_flow(document)
        self.programs = Programs(Program(self.main, flows))
        self.flows = flows
        self.now = NOW
        self.events: list[ThreadEvent] = []
        self.effects: list[ThreadEffect] = []
        self.call: ActivityCall | WorkflowCall | None = None
        self.items: dict[int, ActivityCall] = {}
        self.asked: list[SessionRequest] = []
        self._given = 0
        identity = seed.pop("identity", identity_of(flowless=document is None))
        self.state = state or restore(first_seed(self.main, identity, **seed), NOW)

    @classmethod
    def begin(cls, document: JsonObject | None, **seed: Any) -> ThreadDriver:
        """A created thread, run until it rests; `flows` are those that the flow names. It may have no flow."""
        driver = cls(document, **seed)
        driver.rest()
        return driver

    @classmethod
    def of_branch(cls, branch: Branch, *, holds: Sequence[Hold] = ()) -> ThreadDriver:
        """A fork or copy as its workflow starts it, from the seed as it is sent; not yet run."""
        identity = branch.seed.identity
        start = ThreadStart(
            flow=branch.flow,
            flow_digest="" if branch.flow is None else digest(branch.flow),
            seed=dump(branch.seed),
            holds=[dump(hold) for hold in holds],
        )
        program = Program.of(branch.flow, branch.flows)
        state = restored(program, start, (identity.session_id, identity.thread_id), identity.created_at)
        driver = cls(branch.flow, state, flows=branch.flows)
        driver.now = identity.created_at
        return driver

    @property
    def flow(self) -> FlowDefinition:
        """The thread's own flow."""
        assert self.main is not None
        return self.main

    @property
    def program(self) -> Program:
        return self.programs.at(self.state.current, self.state.library)

    # The loop

    def take(self, input: ThreadInput) -> list[ThreadEvent]:
        """One input, without what follows by itself."""
        events = decide(self.program, self.state, input)
        for event in events:
            self.state = evolve(self.state, event)
            current = self.state.current
            assert current.savers in (None, saved_in(current.nodes)), "what is kept says what the nodes say"
            fact(self.state, event)
        assert self.state.status is self.state.derived_status()
        assert self.state.current == fold(self.state.base, self.state.journal)
        told = effects(events)
        for effect in told:
            match effect:
                case RunActivity(call=ActivityCall(item=int() as place) as call):
                    self.items[place] = call
                case RunActivity(call=call) | RunWorkflow(call=call):
                    assert self.call is None, "two activities at once"
                    self.call = call
                case AskSession(request=request):
                    self.asked.append(request)
        self.events += events
        self.effects += told
        return events

    def rest(self, bound: int = 10_000) -> ThreadDriver:
        """Go on until nothing follows by itself."""
        for _ in range(bound):
            if not self.take(Advance(now=self.now)):
                return self
        raise AssertionError(f"still going on after {bound} steps")

    def give(self, input: ThreadInput) -> ThreadDriver:
        """One input, and all that follows."""
        self.take(input)
        return self.rest()

    # What happens to threads

    def after(self, seconds: float) -> ThreadDriver:
        """Time passes."""
        self.now += timedelta(seconds=seconds)
        return self.rest()

    def complete(self, result: Json = None) -> ThreadDriver:
        call = self._end_call()
        return self.give(ActivityCompleted(now=self.now, key=call.key, result=result))

    def fail(self, code: str = "BOOM", message: str = "it broke", **how: Any) -> ThreadDriver:
        call = self._end_call()
        return self.give(ActivityFailed(now=self.now, key=call.key, failure=Failure(code=code, message=message), **how))

    def complete_item(self, place: int, result: Json = None) -> ThreadDriver:
        del self.items[place]
        return self.give(ActivityCompleted(now=self.now, key=self._active_key, result=result, item=place))

    def fail_item(self, place: int, code: str = "BOOM", **how: Any) -> ThreadDriver:
        del self.items[place]
        failure = Failure(code=code, message="it broke")
        return self.give(ActivityFailed(now=self.now, key=self._active_key, failure=failure, item=place, **how))

    def told(self, *answers: tuple[str, JsonObject | None], **standings: str) -> ThreadDriver:
        """The session answers what it was asked last."""
        key = self.asked[-1].key
        return self.give(SessionAnswered(now=self.now, key=key, answers=answers, standings=standings))

    @property
    def _active_key(self) -> str:
        assert self.state.active is not None
        return self.state.active.key

    def _end_call(self) -> ActivityCall | WorkflowCall:
        assert self.call is not None, "no activity is in flight"
        call, self.call = self.call, None
        return call

    def pause(self, kind: HoldKind = HoldKind.THREAD, **fields: Any) -> ThreadDriver:
        return self.give(Pause(now=self.now, kind=kind, actor="ann", **fields))

    def resume(self, *kinds: HoldKind) -> ThreadDriver:
        return self.give(Resume(now=self.now, kinds=kinds or BY_HAND, actor="ann"))

    def cancel(self, reason: str | None = "enough") -> ThreadDriver:
        return self.give(Cancel(now=self.now, actor="ann", reason=reason))

    def execute(self, document: JsonObject, input: Json = None, **fields: Any) -> ThreadDriver:
        """Give a thread without a flow of its own one to execute."""
        self._given += 1
        given = {"id": f"e{self._given}", "flows": {}, "actor": "ann", **fields}
        return self.give(Execute(now=self.now, flow=document, input=input, **given))

    def close(self) -> ThreadDriver:
        return self.give(Close(now=self.now, actor="ann"))

    def send(self, body: Json = None, *, id: str = "m1", **fields: Any) -> ThreadDriver:
        return self.give(Receive(now=self.now, id=id, body=body, **fields))

    def answer(self, node: str, choice: str, **fields: Any) -> ThreadDriver:
        return self.give(Answer(now=self.now, node=node, choice=choice, **{"actor": "bob", **fields}))

    def archive(self, through: int) -> ThreadDriver:
        return self.give(Archived(now=self.now, through=through))

    # What can be seen

    @property
    def status(self) -> str:
        return self.state.status.value

    @property
    def variables(self) -> JsonObject:
        return self.state.current.variables

    @property
    def path(self) -> list[str]:
        """The nodes executed, in order, inherited ones included."""
        return [entry.node for entry in executions(self.state.journal)]

    @property
    def error(self) -> Failure:
        assert self.state.outcome is not None
        assert self.state.outcome.error is not None
        return self.state.outcome.error

    @property
    def result(self) -> Json:
        assert self.state.outcome is not None
        return self.state.outcome.result

    def snapshot(self) -> Snapshot:
        """A snapshot as it arrives where it was asked for: through JSON."""
        known = "" if self.document is None else digest(self.document)
        snapshot = create_snapshot(self.state, self.document, known, self.now, self.flows)
        return load(Snapshot, dump(snapshot))

    def child(self, thread_id: str = "child", max_depth: int | None = None) -> Child:
        return Child(thread_id=thread_id, command_id=f"make {thread_id}", at=self.now, max_depth=max_depth)

    def fork(self, at: str, *, thread_id: str = "child", max_depth: int | None = None, **fields: Any) -> Branch:
        request = ForkThread(command_id="c", thread_id=thread_id, source="t", at=at, **fields)
        return prepare_fork(self.snapshot(), request, self.child(thread_id, max_depth))

    def copy(self, *, thread_id: str = "child", max_depth: int | None = None, **fields: Any) -> Branch:
        request = CopyThread(command_id="c", thread_id=thread_id, source="t", **fields)
        return prepare_copy(self.snapshot(), request, self.child(thread_id, max_depth))


class SessionDriver:
    """A session, driven as `SessionWorkflow` drives it; its threads are whatever the test says they are.

    Attributes:
        effects: The effects since they were last looked at.
    """

    def __init__(self, **config: Any) -> None:
        self.now = NOW
        self.events: list[SessionEvent] = []
        self.effects: list[SessionEffect] = []
        self._ids = count(1)
        self.state = SessionState(
            session_id=SESSION,
            status=SessionStatus.ACTIVE,
            config=make_config(config),
            created_at=NOW,
            last_activity_at=NOW,
            updated_at=NOW,
            reconciled_at=NOW,
        )

    def take(self, input: SessionInput) -> list[SessionEvent]:
        """One input, without what follows by itself."""
        if isinstance(input, Request) and (first := taken(self.state, input.command.command_id)) is not None:
            require_same(input.command, first)
            return []
        events = session_core.decide(self.state, input)
        for event in events:
            before, self.state = self.state, session_evolve(self.state, event)
            session_fact(before, self.state, event)
        self.events += events
        self.effects += session_effects(self.state, events)
        check_session(self.state)
        return events

    def rest(self, bound: int = 20) -> SessionDriver:
        for _ in range(bound):
            if not self.take(Tick(now=self.now)):
                return self
        raise AssertionError(f"still going on after {bound} ticks")

    def give(self, input: SessionInput) -> SessionDriver:
        self.take(input)
        return self.rest()

    def after(self, seconds: float) -> SessionDriver:
        self.now += timedelta(seconds=seconds)
        return self.rest()

    def ask(self, model: type[Command], **fields: Any) -> Any:
        """Send a command; its result, or None while it has none. Raises what it is refused with."""
        command = self.command(model, **fields)
        self.give(Request(now=self.now, command=command))
        return self.answer(command.command_id)

    def command(self, model: type[Command], **fields: Any) -> Command:
        return model.model_validate({"command_id": f"c{next(self._ids)}", "actor": "ann", **fields})

    def answer(self, command_id: str) -> Any:
        answer = self.state.answers.get(command_id)
        if answer is None:
            return None
        if answer.error is not None:
            raise ThreadloomError(**answer.error)
        return answer.result

    # Threads

    def create(self, thread_id: str, *, launch: bool = True, **fields: Any) -> SessionDriver:
        """A thread of a flow that only ends."""
        document = fields.pop("flow", flow_of({"end": {"kind": "end"}}))
        self.ask(CreateThread, thread_id=thread_id, flow=document, **fields)
        if launch:
            self.launch(thread_id)
        return self

    def launch(self, thread_id: str) -> SessionDriver:
        return self.give(Launched(now=self.now, thread_id=thread_id))

    def reject(self, thread_id: str, code: str = "THREAD_EXISTS") -> SessionDriver:
        return self.give(NotLaunched(now=self.now, thread_id=thread_id, code=code, message="no"))

    def report(self, thread_id: str, status: str, **fields: Any) -> SessionDriver:
        report = ThreadReport(thread_id=thread_id, status=status, **{"at": self.now, "started_at": self.now, **fields})
        return self.give(Reported(now=self.now, report=report))

    def find(self, *findings: Any) -> SessionDriver:
        return self.give(Found(now=self.now, findings=findings))

    def prepare(self, command: Command, **identity: Any) -> SessionDriver:
        """The source was read: the branch that the command asked for is ready."""
        return self.give(Prepared(now=self.now, command=command, branch=branch_of(self.state, command, **identity)))

    # What can be seen

    @property
    def status(self) -> str:
        return self.state.status.value

    def told(self) -> list[SessionEffect]:
        """The effects since the last look."""
        seen, self.effects = self.effects, []
        return seen


def branch_of(state: SessionState, command: Command, **fields: Any) -> PreparedBranch:
    """What the activity prepares for a fork or copy."""
    assert isinstance(command, ForkThread | CopyThread)
    source = state.find(command.source)
    assert source is not None
    document = flow_of({"end": {"kind": "end"}})
    origin = Origin.FORKED if isinstance(command, ForkThread) else Origin.COPIED
    info = {
        "fork_info" if origin is Origin.FORKED else "copy_info": {"fork_point": "end#1", "strategy": command.strategy}
    }
    identity = identity_of(
        command.thread_id, origin=origin, parent=source.thread_id, root=source.root, depth=source.depth + 1, **info
    )
    seed = first_seed(parse_flow(document), identity)
    return PreparedBranch(
        flow=document,
        flow_digest=digest(document),
        flow_name="f",
        flow_version="1",
        identity=dump(identity),
        seed=None if command.plan else dump(seed),
        answer={"thread_id": command.thread_id, "source": command.source, "strategy": command.strategy, **fields},
    )


def check_session(state: SessionState) -> None:
    """What holds for every session at every moment."""
    statistics = state.statistics
    for operation in (statistics.fork, statistics.copy):
        assert 0 <= operation.successful + operation.failed <= operation.total
        assert sum(operation.by_strategy.values()) == operation.total
    performance = statistics.performance.visible()
    if performance["success_rate"] is not None:
        assert abs(performance["success_rate"] + performance["failure_rate"] - 1) < 1e-9
    assert statistics.peak_threads >= len(state.threads)
    assert all(state.find(thread_id) for thread_id in state.launching)
    assert set(state.queue) <= set(state.threads) - set(state.launching)
    assert sorted(queued.bundle for queued in state.queue.values()) == sorted(
        name for name, bundle in state.bundles.items() for _ in range(bundle.uses)
    )
    assert all(entry.alive for entry in state.threads.values())
    assert not any(entry.alive for entry in state.ended.values())
    assert sum(value for key, value in state.counts().items() if key != "total") == state.counts()["total"]
    if state.status is SessionStatus.PAUSED:
        assert not_paused(state) == []
    if state.status.terminal:
        assert not state.threads
        assert not state.preparing
    assert load(SessionState, dump(state)) == state


def carried(
    state: ThreadState, document: JsonObject | None, flows: Mapping[str, JsonObject] | None = None
) -> ThreadState:
    """The state as the next run restores it."""
    start = ThreadStart(flow=document, flow_digest="", state=dump(state, exclude={"current"}))
    ids = (state.identity.session_id, state.identity.thread_id)
    return restored(Program.of(document, flows), start, ids, NOW)


def as_held(state: ThreadState, *kinds: HoldKind) -> ThreadState:
    """The state with holds."""
    holds = {kind: Hold(kind=kind, actor="ann", at=NOW) for kind in kinds}
    return replace(state, holds=holds)
