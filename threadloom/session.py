"""One session, to look at and to command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from domain.flow.durations import format_duration
from domain.flow.model import MessageType
from domain.ids import require_id
from domain.messages import (
    AllocateResources,
    CancelFlow,
    CloseSession,
    Command,
    ConfigureSession,
    CopyThread,
    CreateThread,
    DestroyThread,
    ForkThread,
    ManageThread,
    NodeStates,
    PauseSession,
    PrioritiseThread,
    PriorityName,
    RecoverSession,
    ReleaseResources,
    ResumeSession,
    Send,
    Strategy,
    SyncSession,
    TerminateSession,
)
from domain.values import JsonObject
from threadloom.broadcasting import broadcast
from threadloom.delivery import Delivery, command
from threadloom.flows import Flows, FlowSource
from threadloom.names import new_command_id, readable_id
from threadloom.reading import Reading
from threadloom.recovering import SessionRecovery
from threadloom.targets import Target
from threadloom.thread import ThreadHandle
from threadloom.together import Together
from threadloom.views import (
    Broadcast,
    ConfigChanged,
    FlowCancelled,
    History,
    ResourcesAllocated,
    ResourcesReleased,
    SessionAnswer,
    SessionRecovered,
    SessionResources,
    SessionStatistics,
    SessionTree,
    SessionView,
    ThreadAnswer,
    ThreadBranched,
    ThreadDestroyed,
    ThreadList,
    ThreadPrioritised,
    ThreadsCreated,
    ThreadStarted,
)
from threadloom.waiting import Timeout, within


class SessionHandle:
    """A session. Making a handle asks nobody; `SESSION_NOT_FOUND` comes with the first use.

    Every method raises `ThreadloomError`. Besides the codes it names itself these are possible:
    `SESSION_NOT_FOUND`, `SESSION_NOT_ACTIVE` (commands), `SERVER_UNREACHABLE`, `NO_WORKER`,
    `COMMAND_ID_REUSED` and `INVALID_ARGUMENT`. What only looks is answered from the database when no
    worker runs; `as_of` says so.

    Every command takes `actor` (the client's by default) and `reason`, which reach the history, and
    `command_id`: the same one again gets the first answer, whichever process sends it.
    """

    def __init__(
        self,
        session_id: str,
        *,
        reading: Reading,
        delivery: Delivery,
        recovery: SessionRecovery,
        flows: Flows,
        actor: str,
    ) -> None:
        self.session_id = require_id("session", session_id)
        self._target = Target(session_id)
        self._reading = reading
        self._delivery = delivery
        self._recovery = recovery
        self._flows = flows
        self._actor = actor

    def thread(self, thread_id: str) -> ThreadHandle:
        """One of its threads."""
        return ThreadHandle(
            self.session_id,
            thread_id,
            reading=self._reading.of_threads,
            delivery=self._delivery,
            flows=self._flows,
            actor=self._actor,
        )

    # Looking

    async def describe(self) -> SessionView:
        """The session."""
        return await self._reading.session(self.session_id, in_flight=True)

    async def threads(self) -> ThreadList:
        """Its threads, each as it says of itself; destroyed ones are left out."""
        return await self._reading.threads(self.session_id)

    async def tree(self) -> SessionTree:
        """Its threads by lineage."""
        return await self._reading.tree(self.session_id)

    async def statistics(self) -> SessionStatistics:
        """What it has counted."""
        return await self._reading.statistics(self.session_id)

    async def resources(self) -> SessionResources:
        """What its threads, and others, have of its resources, and stand in line for at pools."""
        return await self._reading.resources(self.session_id)

    async def history(
        self,
        *,
        type: str | None = None,
        thread: str | None = None,
        actor: str | None = None,
        flow: str | None = None,
        after: int = 0,
        limit: int = 100,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> History:
        """Its history from the database, in order, once that has caught up or after two seconds.

        Args:
            type: One of `domain.records.RecordType`.
            thread: Records of this thread.
            actor: Records of what this one did.
            flow: Records of this `name@version`.
            after: Records with a higher seq.
            limit: How many at most.
            since: Records from this time on.
            until: Records before this time.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`.
        """
        return await self._reading.history(
            self.session_id,
            type=type,
            thread=thread,
            actor=actor,
            flow=flow,
            after=after,
            limit=limit,
            since=since,
            until=until,
        )

    # Its life

    async def pause(
        self,
        *,
        until: datetime | None = None,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> SessionAnswer:
        """Hold every thread: what is in flight ends, nothing new begins.

        Args:
            until: When the hold lifts itself.
            wait: Wait until nothing is in flight any more (or the session has ended).
            timeout: How long, in seconds or as a timedelta; without end by default.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Returns:
            The status `pausing` or `paused`; `requested` when no worker has answered within five seconds.

        Raises:
            ThreadloomError: `ILLEGAL_TRANSITION`; `TIMED_OUT` (the command stands).
        """
        sent = command(PauseSession, command_id, actor or self._actor, reason, until=until)
        return await self._lifecycle("pause", sent, wait, timeout, {"paused"})

    async def resume(
        self,
        *,
        hold_threads: bool = False,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> SessionAnswer:
        """Lift the session's hold. Other arguments as for `pause`.

        Args:
            hold_threads: Leave each thread held by itself.
            wait: Wait until the session is active (or has ended).
            timeout: As for `pause`.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.
        """
        sent = command(ResumeSession, command_id, actor or self._actor, reason, hold_threads=hold_threads)
        return await self._lifecycle("resume", sent, wait, timeout, {"active"})

    async def close(
        self,
        *,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> SessionAnswer:
        """Take no new threads; closed when the last one ends. Arguments as for `pause`."""
        sent = command(CloseSession, command_id, actor or self._actor, reason)
        return await self._lifecycle("close", sent, wait, timeout, set())

    async def terminate(
        self,
        *,
        grace: timedelta | float | None = None,
        compensate: bool = True,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> SessionAnswer:
        """End the session: its threads are cancelled, and what is left after the grace is ended by force.

        Args:
            grace: In seconds or as a timedelta; as configured by default.
            compensate: Whether what the threads have done is undone first.
            wait: Wait until it has ended.
            timeout: As for `pause`.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.
        """
        sent = command(
            TerminateSession, command_id, actor or self._actor, reason, grace=_duration(grace), compensate=compensate
        )
        return await self._lifecycle("terminate", sent, wait, timeout, set())

    async def sync(
        self, *, reason: str | None = None, command_id: str | None = None, actor: str | None = None
    ) -> SessionAnswer:
        """Compare the threads believed alive with what Temporal knows of them, now. Answers `requested`."""
        sent = command(SyncSession, command_id, actor or self._actor, reason)
        return await self._lifecycle("sync", sent, False, None, set())

    async def recover(
        self,
        *,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> SessionRecovered:
        """Start the session's workflow again after it was lost: ended by force in Temporal, timed out or deleted.

        The session goes on with its state, or as much of it as is left, and adopts the threads that live.

        Args:
            wait: Wait until it is done, however many threads there are.
            timeout: For how long.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Raises:
            ThreadloomError: `ILLEGAL_TRANSITION` when the session runs, or has ended properly; `FORBIDDEN`;
                `TIMED_OUT` (the command stands).
        """
        sent = command(RecoverSession, command_id, actor or self._actor, reason)
        told = await self._recovery.recover(self.session_id, sent, wait=wait, timeout=timeout)
        if told["status"] != "requested":
            view = await self._reading.session(self.session_id)
            told = {**told, "status": view.status, "threads": view.threads}
        return SessionRecovered.model_validate({**told, "session_id": self.session_id})

    async def configure(
        self,
        changes: Mapping[str, Any],
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ConfigChanged:
        """Change the configuration of an active session; what is not named stays.

        Raises:
            ThreadloomError: `INVALID_ARGUMENT`, naming each field that is wrong.
        """
        sent = command(ConfigureSession, command_id, actor or self._actor, reason, config=dict(changes))
        return ConfigChanged.model_validate(await self._update("configure", sent))

    async def allocate(
        self,
        resources: Mapping[str, float],
        *,
        allocation_id: str | None = None,
        holder: str | None = None,
        duration: timedelta | float | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ResourcesAllocated:
        """Take resources of the session for somebody who is no thread of it, all of them or none.

        Args:
            resources: How much, by name.
            allocation_id: The command's id by default.
            holder: For whom; the actor by default.
            duration: After which they are free again, in seconds or as a timedelta; as configured by default.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Raises:
            ThreadloomError: `RESOURCES_INSUFFICIENT`.
        """
        wishes = {"allocation_id": allocation_id, "holder": holder, "duration": _duration(duration)}
        sent = command(AllocateResources, command_id, actor or self._actor, reason, resources=dict(resources), **wishes)
        return ResourcesAllocated.model_validate(await self._update("allocate", sent))

    async def release(
        self,
        allocation_id: str,
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ResourcesReleased:
        """Free what was allocated, a thread's too.

        Raises:
            ThreadloomError: `ALLOCATION_NOT_FOUND`.
        """
        sent = command(ReleaseResources, command_id, actor or self._actor, reason, allocation_id=allocation_id)
        return ResourcesReleased.model_validate(await self._update("release", sent))

    # Its threads

    async def broadcast(
        self,
        body: Any,
        *,
        name: str | None = None,
        type: MessageType = "data",
        message_id: str | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> Broadcast:
        """Put a message into the mailbox of every thread that lives and has started, some at a time.

        Sent again under the same command id it reaches those that have not taken it, and nobody twice.

        Args:
            body: JSON.
            name: What a `receive` node asks for.
            type: `data`, `control`, `event` or `error`.
            message_id: The message's id, the same for all; the command's id by default.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: The sender.

        Returns:
            Who took it, and who refused it and why. A thread that ended meanwhile is neither.
        """
        sent = command(
            Send, command_id, actor or self._actor, reason, body=body, name=name, type=type, message_id=message_id
        )
        return await broadcast(self._delivery, self.session_id, await self._reading.living(self.session_id), sent)

    async def create_thread(
        self,
        flow: FlowSource | None = None,
        *,
        thread_id: str | None = None,
        input: Any = None,
        context: Any = None,
        metadata: Mapping[str, Any] | None = None,
        title: str = "",
        description: str = "",
        priority: PriorityName = "normal",
        hold: bool = False,
        requires: Mapping[str, float] | None = None,
        wait_for_resources: bool = True,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadStarted:
        """Start a thread that executes a flow: at once, or in its turn where the session limits how many run.

        Without a flow it waits for flows: see `ThreadHandle.execute`.

        Args:
            flow: A registered `name[@version]`, a file's path (when it contains `/` or ends in
                .yaml, .yml or .json), or the flow's document; None for a thread without a flow of its own.
            thread_id: A readable one is made when there is none.
            input: What the flow declares under `inputs`, as JSON.
            context: A free JSON document that the thread carries along.
            metadata: Anything to find it by.
            title: For lists.
            description: For people.
            priority: `low`, `normal`, `high` or `urgent`; the higher one starts first where threads wait.
            hold: Start it held; `thread(…).resume()` lets it go.
            requires: What it needs before it starts, by the name of a resource of the session or as `pool/NAME`:
                besides what its flow requires, and instead of it where both name the same.
            wait_for_resources: Wait for what is taken, instead of being refused.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`, `FLOW_NOT_ACTIVE`, `FLOW_INVALID`, `INPUT_INVALID`,
                `THREAD_EXISTS`, `THREAD_LIMIT_REACHED`, `RESOURCES_INSUFFICIENT`, `INVALID_ID`.
        """
        command_id = command_id or new_command_id()
        resolved = None if flow is None else await self._flows.resolve(flow)
        sent = command(
            CreateThread,
            command_id,
            actor or self._actor,
            reason,
            thread_id=thread_id or readable_id(command_id),
            flow=resolved.document if resolved else None,
            flows=resolved.flows if resolved else {},
            input=input,
            context=context,
            metadata=dict(metadata or {}),
            title=title,
            description=description,
            priority=priority,
            hold=hold,
            requires=dict(requires or {}),
            wait_for_resources=wait_for_resources,
        )
        await self._reading.require_unused(self.session_id, thread_id, command_id)
        return ThreadStarted.model_validate(await self._update("create_thread", sent))

    async def create_threads(
        self,
        threads: Sequence[Mapping[str, Any]],
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadsCreated:
        """Start many threads: each is admitted or refused by itself.

        Args:
            threads: For each {flow, id?, input?, context?, metadata?, title?, description?, priority?, hold?}
                as for `create_thread`. They wait for their turn in this order.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Returns:
            For each entry, in order, {thread_id, status} or {thread_id, entry, error}.

        Raises:
            ThreadloomError: Only when none of the entries could be looked at.
        """
        together = Together(self._flows, self._update, partial(self._reading.require_unused, self.session_id))
        results = await together.create(
            threads, command_id=command_id or new_command_id(), actor=actor or self._actor, reason=reason
        )
        return ThreadsCreated(threads=results)

    async def prioritise_thread(
        self,
        thread_id: str,
        priority: PriorityName,
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadPrioritised:
        """Change the priority of a thread that waits for its turn to start.

        Raises:
            ThreadloomError: `THREAD_NOT_FOUND`; `ILLEGAL_TRANSITION` when it has started.
        """
        sent = command(
            PrioritiseThread, command_id, actor or self._actor, reason, thread_id=thread_id, priority=priority
        )
        return ThreadPrioritised.model_validate(await self._update("prioritise_thread", sent))

    async def cancel_flow(
        self,
        flow: str,
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> FlowCancelled:
        """Cancel all threads of a flow, those that wait for their turn and those that run.

        Args:
            flow: Its name, or `name@version`.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.
        """
        sent = command(CancelFlow, command_id, actor or self._actor, reason, flow=flow)
        return FlowCancelled.model_validate(await self._update("cancel_flow", sent))

    async def fork_thread(
        self,
        source: str,
        at: str,
        *,
        thread_id: str | None = None,
        strategy: Strategy = "partial",
        resume: Literal["at", "after"] = "at",
        set: Mapping[str, Any] | None = None,
        flow: FlowSource | None = None,
        hold: bool = False,
        plan: bool = False,
        retention: Strategy | None = None,
        node_states: NodeStates | None = None,
        include_history: bool | None = None,
        include_metadata: bool | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadBranched:
        """Start a thread from a point that another one has passed; the source is never touched.

        Args:
            source: The thread to fork.
            at: `node` (its last execution), `node#visit` or `@seq`.
            thread_id: A readable one is made when there is none.
            strategy: `full`, `partial` or `minimal`; see `domain.session.operations.fork`.
            resume: Execute the point again (`at`) or go on behind it (`after`).
            set: Variables to overwrite.
            flow: Another version of the flow to go on with.
            hold: Start it held.
            plan: Start nothing; answer with what would happen.
            retention: What is kept, when it differs from the strategy.
            node_states: What becomes of node states, when it differs from the strategy.
            include_history: Whether the journal is kept, when it differs from the strategy.
            include_metadata: Whether metadata are kept, when it differs from the strategy.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Raises:
            ThreadloomError: `THREAD_NOT_FOUND`, `THREAD_DESTROYED`, `FORK_POINT_MISSING`,
                `FORK_POINT_NOT_EXECUTED`, `NODE_NOT_FOUND`, `DEPTH_LIMIT_REACHED`,
                `THREAD_LIMIT_REACHED`, `SNAPSHOT_UNAVAILABLE`, `JOURNAL_INCOMPLETE`, `FLOW_INVALID`.
        """
        command_id = command_id or new_command_id()
        resolved = None if flow is None else await self._flows.resolve(flow)
        sent = command(
            ForkThread,
            command_id,
            actor or self._actor,
            reason,
            thread_id=thread_id or readable_id(command_id),
            source=source,
            at=at,
            resume=resume,
            strategy=strategy,
            retention=retention,
            node_states=node_states,
            include_history=include_history,
            include_metadata=include_metadata,
            set=dict(set or {}),
            flow=resolved.document if resolved else None,
            flows=resolved.flows if resolved else {},
            hold=hold,
            plan=plan,
        )
        if not plan:
            await self._reading.require_unused(self.session_id, thread_id, command_id)
        return ThreadBranched.model_validate(await self._update("fork_thread", sent))

    async def copy_thread(
        self,
        source: str,
        *,
        thread_id: str | None = None,
        strategy: Literal["full", "partial", "selective"] = "full",
        nodes: Sequence[str] = (),
        hold: bool = False,
        plan: bool = False,
        include_history: bool | None = None,
        include_metadata: bool | None = None,
        reset: bool | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadBranched:
        """Start a copy of a thread, whole or in part; the source is never touched.

        Args:
            source: The thread to copy.
            thread_id: A readable one is made when there is none.
            strategy: `full`, `partial` or `selective`; see `domain.session.operations.copy`.
            nodes: What a selective copy keeps.
            hold: Start it held.
            plan: Start nothing; answer with what would happen.
            include_history: Whether the journal is kept, when it differs from the strategy.
            include_metadata: Whether metadata are kept, when it differs from the strategy.
            reset: Whether node states are dropped, when it differs from the strategy.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Raises:
            ThreadloomError: `THREAD_NOT_FOUND`, `THREAD_DESTROYED`, `COPY_WITHOUT_NODES`,
                `NODE_NOT_FOUND`, `INVALID_ARGUMENT` (nodes for a strategy that takes none),
                `DEPTH_LIMIT_REACHED`, `THREAD_LIMIT_REACHED`, `SNAPSHOT_UNAVAILABLE`,
                `JOURNAL_INCOMPLETE`.
        """
        command_id = command_id or new_command_id()
        sent = command(
            CopyThread,
            command_id,
            actor or self._actor,
            reason,
            thread_id=thread_id or readable_id(command_id),
            source=source,
            strategy=strategy,
            nodes=list(nodes),
            include_history=include_history,
            include_metadata=include_metadata,
            reset=reset,
            hold=hold,
            plan=plan,
        )
        if not plan:
            await self._reading.require_unused(self.session_id, thread_id, command_id)
        return ThreadBranched.model_validate(await self._update("copy_thread", sent))

    async def manage_thread(
        self,
        thread_id: str,
        action: Literal["start", "pause", "resume", "cancel", "close"],
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadAnswer:
        """Act on a thread through its session, which counts it. Answers `requested` when it is passed on.

        Raises:
            ThreadloomError: `THREAD_NOT_FOUND`, `THREAD_ENDED`, `THREAD_DESTROYED`.
        """
        sent = command(ManageThread, command_id, actor or self._actor, reason, thread_id=thread_id, action=action)
        return ThreadAnswer.model_validate({"session_id": self.session_id, **await self._update("manage_thread", sent)})

    async def destroy_thread(
        self,
        thread_id: str,
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadDestroyed:
        """Take an ended thread off the lists; its history stays.

        Raises:
            ThreadloomError: `THREAD_NOT_FOUND`; `THREAD_DESTROYED`; `ILLEGAL_TRANSITION` while it lives.
        """
        sent = command(DestroyThread, command_id, actor or self._actor, reason, thread_id=thread_id)
        return ThreadDestroyed.model_validate(await self._update("destroy_thread", sent))

    async def _update(self, name: str, sent: Command) -> JsonObject:
        return await self._delivery.update(self._target, name, sent)

    async def _lifecycle(self, name: str, sent: Command, wait: bool, timeout: Timeout, goal: set[str]) -> SessionAnswer:
        told = await self._delivery.signal(self._target, name, sent)
        answer = SessionAnswer.model_validate({**told, "session_id": self.session_id})
        if not wait:
            return answer
        if answer.status == "requested":
            raise self._delivery.nobody_answers(self._target)
        wanted = " or ".join(goal) or "ended"
        view = await within(
            timeout,
            partial(self._reading.session, self.session_id),
            lambda view: view.ended or (view.status in goal and view.as_of is None),
            f"session {self.session_id} is not {wanted} yet; the command stands",
        )
        return answer.model_copy(update={"status": view.status})


def _duration(value: timedelta | float | None) -> str | None:
    if value is None:
        return None
    return format_duration(value if isinstance(value, timedelta) else timedelta(seconds=value))
