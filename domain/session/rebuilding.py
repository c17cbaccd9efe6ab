"""The state of a session that was lost, made of what is left of it.

That is, the best first: the state of its last run, the state with which this run began, the records in the database,
and its threads' own word. What they say of their ends is left to the session: it hears of them as it always does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.codec import load
from domain.messages import Finding, Standing, ThreadReport
from domain.records import RecordType, SessionRow, StoredRecord, ThreadRow
from domain.resources import pools
from domain.session.config import make_config
from domain.session.entries import Allocation, ThreadEntry
from domain.session.evolve_threads import dequeued
from domain.session.state import ENDED_KEPT, Ending, SessionHold, SessionState, SessionStatus
from domain.session.statistics import read_statistics
from domain.thread.state import ENDED, SYSTEM, Origin, ThreadStatus
from domain.values import JsonObject

TOLD_BY = (
    RecordType.SESSION_CREATED,
    RecordType.SESSION_STATUS_CHANGED,
    RecordType.THREAD_CREATED,
    RecordType.RESOURCE_ALLOCATED,
    RecordType.RESOURCE_RELEASED,
)
"""The records that tell what the lists do not."""

RUNNING, MISSING = "running", "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the database holds of a session.

    Attributes:
        threads: All of its threads, destroyed ones too, in the order of their creation.
        records: Those of the types `TOLD_BY`, in the order of seq.
    """

    session: SessionRow
    threads: Sequence[ThreadRow] = ()
    records: Sequence[StoredRecord] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A thread as Temporal has it, and its own word where it was asked.

    Attributes:
        finding: With the status `running`, how the workflow closed, or `missing`.
    """

    finding: Finding
    standing: Standing | None = None

    @property
    def ended(self) -> ThreadReport | None:
        """What the thread tells of its end."""
        report = self.standing.report if self.standing is not None else None
        return report if report is not None and report.status in ENDED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What has become of the threads that a state believes alive.

    Attributes:
        living: Those whose workflow runs.
        reports: Of those that have ended and told how.
        findings: Of those that have ended otherwise, or are not there.
    """

    living: tuple[str, ...]
    reports: tuple[ThreadReport, ...]
    findings: tuple[Finding, ...]


def completed_by(state: SessionState, recorded: Recorded) -> SessionState:
    """The state as the records say that it was later.

    What only the session's memory had is not in them: its queue, its answers, and when a pause was to end.
    """
    row, records = recorded.session, recorded.records
    config = make_config(row.config)
    statistics = read_statistics(row.statistics)
    hold, ending = _stopped(recorded)
    # What ran out before, and let the session be active all the same, somebody has waived.
    goes_on = hold is None and ending is None
    too_old = config.max_duration is not None and row.created_at + config.max_duration <= row.updated_at
    too_many = config.max_messages is not None and statistics.message_count >= config.max_messages
    status = SessionStatus(row.status)
    state = replace(
        state,
        status=status,
        config=config,
        title=row.title,
        user_id=row.user_id,
        metadata=row.metadata,
        shared=state.shared or _shared(records),
        hold=hold,
        ending=ending,
        allocations=_allocations(records),
        statistics=statistics,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_activity_at=row.updated_at,
        ended_at=row.ended_at,
        expired=goes_on and too_old,
        messages_waived=goes_on and too_many,
    )
    return _with_threads(state, recorded)


def _with_threads(state: SessionState, recorded: Recorded) -> SessionState:
    told = {record.thread: record.details for record in recorded.records if record.type == RecordType.THREAD_CREATED}
    living, ended = dict(state.threads), []
    for number, row in enumerate(recorded.threads, start=1):
        entry = state.find(row.thread_id) or entry_of(row, told.get(row.thread_id, {}), number)
        # The session's row is older than the end of a thread that it has not counted.
        if row.status in ENDED and row.completed_at is not None and row.completed_at <= recorded.session.updated_at:
            living.pop(row.thread_id, None)
            status = ThreadStatus(row.status)
            over = replace(entry, status=status, error=row.error, ended_at=row.completed_at, destroyed=row.destroyed)
            ended.append(over)
        elif row.thread_id not in living and not row.destroyed:
            living[row.thread_id] = _alive(entry)
    for thread_id in [name for name in state.queue if name not in living]:
        state = dequeued(state, thread_id)
    newest = sorted(ended, key=lambda entry: (entry.ended_at or entry.created_at, entry.number))[-ENDED_KEPT:]
    return replace(
        state,
        threads=living,
        ended={entry.thread_id: entry for entry in newest},
        ended_counts=dict(Counter(entry.status.value for entry in ended if not entry.destroyed)),
        created=max(state.created, len(recorded.threads)),
        wishes={name: its for name, its in state.wishes.items() if its.thread_id in living},
        watches={name: its for name, its in state.watches.items() if its.thread_id in living},
    )


def entry_of(row: ThreadRow, told: Mapping[str, object], number: int) -> ThreadEntry:
    """What a session keeps of a thread that has started; which command asked for it is not known.

    Args:
        row: The thread's row.
        told: The details of its `thread_created` record.
        number: The thread is the session's so many-th.
    """
    return ThreadEntry(
        thread_id=row.thread_id,
        flow=row.flow,
        version=row.version,
        flow_digest=row.flow_digest,
        status=ThreadStatus(row.status),
        priority=row.priority,
        title=row.title,
        origin=row.origin,
        parent=row.parent,
        root=row.root or row.thread_id,
        depth=row.depth,
        created_at=row.created_at,
        number=number,
        command_id="",
        started=True,
        started_at=row.started_at,
        ended_at=row.completed_at,
        error=row.error,
        fork_info=row.fork_info,
        copy_info=row.copy_info,
        spawned_by=row.parent if row.origin == Origin.SPAWNED else None,
        on_parent_end="cancel" if told.get("on_parent_end") == "cancel" else "leave",
        destroyed=row.destroyed,
    )


def _alive(entry: ThreadEntry) -> ThreadEntry:
    """The thread as the session believed it, which had not heard of its end."""
    status = ThreadStatus.RUNNING if entry.status.terminal else entry.status
    return replace(entry, status=status, ended_at=None, error=None)


def _stopped(recorded: Recorded) -> tuple[SessionHold | None, Ending | None]:
    """Who holds the session or ends it."""
    hold: SessionHold | None = None
    ending: Ending | None = None
    for record in recorded.records:
        if record.type != RecordType.SESSION_STATUS_CHANGED:
            continue
        by = {"actor": record.actor or SYSTEM, "reason": record.reason, "at": record.timestamp}
        match record.details.get("to"):
            case "pausing" | "paused":
                longer = record.details.get("hold")
                hold = load(SessionHold, longer) if longer else hold or load(SessionHold, by)
            case "active":
                hold = None
            case "closing":
                hold, ending = None, load(Ending, by)
            case "terminating":
                grace = make_config(recorded.session.config).grace
                hold, ending = None, load(Ending, {**by, "deadline": record.timestamp + grace})
    return hold, ending


def _shared(records: Iterable[StoredRecord]) -> JsonObject:
    created = (record.details for record in records if record.type == RecordType.SESSION_CREATED)
    return next((details["shared"] for details in created if "shared" in details), {})


def _allocations(records: Iterable[StoredRecord]) -> dict[str, Allocation]:
    found: dict[str, Allocation] = {}
    for record in records:
        if record.type == RecordType.RESOURCE_ALLOCATED:
            told = {**record.details, "allocation_id": record.details["id"], "thread_id": record.details["thread"]}
            found[told["allocation_id"]] = load(Allocation, told)
        elif record.type == RecordType.RESOURCE_RELEASED:
            found.pop(record.details["id"], None)
    return found


def adopting(state: SessionState, seen: Mapping[str, Seen]) -> SessionState:
    """The state with all threads that were seen: also those that it does not know, or knows as waiting to start."""
    for thread_id, sighting in seen.items():
        known, word = state.find(thread_id), sighting.standing
        if known is None and word is not None:
            state = _adopted(state, entry_of(word.row, {}, state.created + 1), word)
        elif thread_id in state.queue and sighting.finding.status != MISSING:
            state = dequeued(state, thread_id)
            state = replace(
                state, threads={**state.threads, thread_id: replace(state.threads[thread_id], started=True)}
            )
        elif known is not None and known.alive and not known.command_id and word is not None:
            state = _adopted(state, known, word)
    peak = max(state.statistics.peak_threads, len(state.threads))
    return replace(state, statistics=replace(state.statistics, peak_threads=peak))


def _adopted(state: SessionState, entry: ThreadEntry, word: Standing) -> SessionState:
    report = word.report
    # How many of its messages are counted already nobody knows; none is counted twice.
    entry = replace(_alive(entry), idle=report.idle, requires=word.requires, messages=report.messages)
    if report.status not in ENDED:
        entry = replace(entry, status=ThreadStatus(report.status), started_at=report.started_at)
    had = dict.fromkeys(pools(word.requires), True)
    return replace(
        state,
        threads={**state.threads, entry.thread_id: entry},
        created=max(state.created, entry.number),
        leases={**state.leases, entry.thread_id: had} if had else state.leases,
    )


def outcome(state: SessionState, seen: Mapping[str, Seen]) -> Outcome:
    """What has become of the threads that the state believes alive and that were looked for."""
    living, reports, findings = [], [], []
    for thread_id in state.threads:
        if thread_id not in seen or thread_id in state.queue:
            continue
        sighting = seen[thread_id]
        if sighting.ended is not None:
            reports.append(sighting.ended)
        elif sighting.finding.status == RUNNING:
            living.append(thread_id)
        else:
            findings.append(sighting.finding)
    return Outcome(living=tuple(living), reports=tuple(reports), findings=tuple(findings))
