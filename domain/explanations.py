"""What each failure code means, and what its reader can do about it; `docs/errors.md` is generated from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import Code


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means and what the reader can do about it."""

    meaning: str
    remedy: str


EXPLANATIONS: Mapping[Code, Explanation] = {
    Code.SESSION_NOT_FOUND: Explanation(
        "No session has this id.", "List the sessions with `session list`, or start one with `session start`."
    ),
    Code.SESSION_EXISTS: Explanation(
        "A session with this id exists or existed; ids are never used again.", "Choose another id, or leave it out."
    ),
    Code.SESSION_NOT_ACTIVE: Explanation(
        "The session is paused, ending or ended, and the command starts something.",
        "Resume the session, or start another one. `session show` tells its status.",
    ),
    Code.SESSION_BUSY: Explanation(
        "The session is about to continue as a new run, or is being recovered, and takes no new command for a moment.",
        "Send the command again with the same command id; the client does so by itself.",
    ),
    Code.ILLEGAL_TRANSITION: Explanation(
        "The status does not allow this action.", "Look at the status with `session show` or `thread show`."
    ),
    Code.THREAD_LIMIT_REACHED: Explanation(
        "The session has as many threads as its configuration allows.",
        "End or destroy threads, or raise `max_threads`.",
    ),
    Code.ALLOCATION_NOT_FOUND: Explanation(
        "The session has no such allocation; it may have been released, or its time was over.",
        "`session resources` lists what is allocated.",
    ),
    Code.RESOURCES_INSUFFICIENT: Explanation(
        "The session or the pool has not enough of a resource that is needed.",
        "Wait until others release it, or raise the limit; `session resources` and `pool show` tell who holds what.",
    ),
    Code.DEPTH_LIMIT_REACHED: Explanation(
        "The lineage of forks and copies is as deep as the session allows.", "Fork an ancestor instead."
    ),
    Code.THREAD_NOT_FOUND: Explanation(
        "The session has no thread with this id.", "List its threads with `session threads`."
    ),
    Code.THREAD_EXISTS: Explanation(
        "The session has or had a thread with this id; ids are never used again.", "Choose another id, or leave it out."
    ),
    Code.THREAD_NOT_STARTED: Explanation(
        "The session has the thread, and has not started it yet.", "Send the command again when the thread has started."
    ),
    Code.THREAD_ENDED: Explanation(
        "The thread has ended and takes no more commands.", "Fork or copy it to go on from a point it has passed."
    ),
    Code.THREAD_DESTROYED: Explanation(
        "The thread was destroyed; only its history remains.", "Read it with `session history --thread`."
    ),
    Code.THREAD_TERMINATED: Explanation(
        "The thread's workflow was ended in Temporal from outside.",
        "Fork it from the last point it had passed to go on.",
    ),
    Code.THREAD_LOST: Explanation(
        "Temporal has no workflow for a thread that the session believed alive.",
        "Fork or copy it from the records, or start another one.",
    ),
    Code.CANCELLED: Explanation("The work was cancelled.", "Nothing; `session history` tells by whom and why."),
    Code.POOL_NOT_FOUND: Explanation(
        "No resource pool has this name.", "List the pools with `pool list`, or make one with `pool create`."
    ),
    Code.POOL_EXISTS: Explanation(
        "A resource pool with this name exists.", "Choose another name, or change the pool with `pool resize`."
    ),
    Code.POOL_NOT_ACTIVE: Explanation(
        "The resource pool is closing or closed and grants nothing more.",
        "Make it again with `pool create` when it is closed.",
    ),
    Code.POOL_FULL: Explanation(
        "The resource pool has 5,000 leases and waiting requests, which is as many as it takes.",
        "Ask again later, or share the resource between several pools.",
    ),
    Code.LEASE_NOT_FOUND: Explanation(
        "The resource pool has no such lease: it was released, has expired, or never was.",
        "Look at the leases with `pool show`, and at what became of them with `pool history`.",
    ),
    Code.LEASE_EXISTS: Explanation(
        "Another holder has or had a lease of this id in the resource pool.", "Use an id of its own for each lease."
    ),
    Code.LEASE_LOST: Explanation(
        "The lease is over against its holder's will: not renewed, released by somebody else, or its pool was closed.",
        "`pool history` tells what happened; ask for a new lease.",
    ),
    Code.FORK_POINT_MISSING: Explanation(
        "A fork needs a point to branch from.", "Give `--at node`, `--at node#visit` or `--at @seq`."
    ),
    Code.FORK_POINT_NOT_EXECUTED: Explanation(
        "The source has not executed the fork point.", "`thread executions` lists the points it has passed."
    ),
    Code.NODE_NOT_FOUND: Explanation(
        "The flow has no node with this id.",
        "`thread executions` lists the nodes that were executed; the details list them all.",
    ),
    Code.COPY_WITHOUT_NODES: Explanation("A selective copy names no node.", "Give at least one `--node`."),
    Code.SNAPSHOT_UNAVAILABLE: Explanation(
        "The source could not be read: it did not answer in time and the records do not hold it.",
        "Check that a worker runs (`doctor`), then try again.",
    ),
    Code.JOURNAL_INCOMPLETE: Explanation(
        "The point has left the thread's memory and the records do not hold it yet.",
        "Try again in a moment, or choose a later point.",
    ),
    Code.NOT_WAITING: Explanation(
        "The thread does not wait for this answer.", "`thread show` tells what it waits for."
    ),
    Code.ALREADY_DECIDED: Explanation(
        "The approval was answered before; the first answer stands.", "`thread executions` shows the answer."
    ),
    Code.BAD_CHOICE: Explanation("The approval does not offer this choice.", "Use one of the choices it lists."),
    Code.BAD_DATA: Explanation(
        "The answer's data do not fit the schema that the approval asks for.",
        "Give `--data` as the schema wants it; `thread show` prints it.",
    ),
    Code.MAILBOX_FULL: Explanation(
        "The thread's mailbox is full.",
        "Send it again, with the same command id, when the thread has received some of its messages.",
    ),
    Code.LINE_FULL: Explanation(
        "As many flows wait in line for the thread as may.",
        "Ask again when it has executed some of them; `thread show` tells how many wait.",
    ),
    Code.EXECUTION_NOT_FOUND: Explanation(
        "The thread has not been given a flow under this number or command id.",
        "`thread executions` lists what it has executed; the number of an execution comes before the slash.",
    ),
    Code.FLOW_NOT_FOUND: Explanation(
        "No flow of this name and version is registered, and no such file exists.",
        "`flow list` shows the registered ones; `flow register FILE` adds one.",
    ),
    Code.FLOW_NOT_ACTIVE: Explanation(
        "The flow is registered and not active.", "`flow activate NAME@V` makes it active."
    ),
    Code.FLOW_INVALID: Explanation(
        "The flow has problems.", "Mend each at its place, and look again: `flow validate FILE`."
    ),
    Code.FLOW_VERSION_EXISTS: Explanation(
        "This version is registered with another content, and only a draft changes.",
        "Give the flow a new version.",
    ),
    Code.INPUT_INVALID: Explanation(
        "The input does not fit the schema that the flow declares.", "Correct the input; details name each place."
    ),
    Code.OUTPUT_INVALID: Explanation(
        "The flow's result does not fit the `outputs` that it declares.",
        "The message names the first place; mend the flow's `end`, or its schema.",
    ),
    Code.EXPRESSION_ERROR: Explanation(
        "An expression of the flow could not be evaluated.",
        "Correct the flow or the variable, then fork the thread at the failed node.",
    ),
    Code.SUBFLOW_TOO_DEEP: Explanation(
        "Subflows call each other deeper than a thread may go.", "Bound the recursion, or `spawn` threads instead."
    ),
    Code.HOOK_FAILED: Explanation(
        "The flow's `before_node` hook failed, so the node was not executed.",
        "The message tells why; mend what the hook calls, or catch the code with `on_error`.",
    ),
    Code.JOIN_FAILED: Explanation(
        "Threads that a join waits for failed or were cancelled, and too few others are left.",
        "Look at them with `thread show`; `on_failed: collect` takes failures as results.",
    ),
    Code.COMPENSATION_FAILED: Explanation(
        "An activity that was to undo a node failed; the others ran.",
        "Undo that node by hand; `thread show` lists it under `not_undone`.",
    ),
    Code.NO_EDGE: Explanation("No edge of the node holds and none is the default.", "Add a default edge to the node."),
    Code.MAX_VISITS: Explanation(
        "The thread has visited the node as often as the flow allows.", "Raise `max_visits`, or end the loop earlier."
    ),
    Code.LIMIT_REACHED: Explanation(
        "The thread has reached a limit of its flow.", "Raise the limit, or resume the thread if it is held."
    ),
    Code.NODE_TIMEOUT: Explanation(
        "The node, or an attempt at it, did not end within its time.",
        "Allow more; catch the end of `timeout` with `on_timeout`, and of `start_to_close` with `on_error`.",
    ),
    Code.ACTIVITY_FAILED: Explanation(
        "The activity failed for good and named no code of its own.",
        "See the error's message; fork the thread at the node when the cause is gone.",
    ),
    Code.ACTIVITY_NOT_ALLOWED: Explanation(
        "The templated activity name is not in the node's `allowed` list.", "Add it to `allowed`, or correct the name."
    ),
    Code.FUNCTION_NOT_FOUND: Explanation(
        "A node with `mode: inline` names a function that the worker has not registered.",
        "Load the module that registers it with `worker.py --tasks`, then fork the thread at the node.",
    ),
    Code.WORKFLOW_EXISTS: Explanation(
        "A workflow with the id that a `workflow` node gives exists already.", "Let the node's `id` differ per visit."
    ),
    Code.WORKFLOW_TERMINATED: Explanation(
        "The workflow that a `workflow` node waited for was terminated in Temporal.",
        "Catch the code with `on_error`, or fork the thread at the node to run it again.",
    ),
    Code.PAYLOAD_TOO_LARGE: Explanation(
        "A value is larger than what can be sent or stored.",
        "Keep it outside and pass a reference, or list the task queue as sharing the payload store.",
    ),
    Code.RESULT_UNREADABLE: Explanation(
        "An activity returned something that is not JSON, or that the payload store does not hold.",
        "Let the activity return JSON; check that its worker shares the payload store.",
    ),
    Code.HTTP_BAD_REQUEST: Explanation(
        "The `http` node's URL, query, headers or body make no request that can be sent.",
        "Correct the flow or the variable that the message names, then fork the thread at the node.",
    ),
    Code.HTTP_UNREACHABLE: Explanation(
        "No connection to the HTTP server, or it broke before the answer was there.",
        "Check the address, the network and the certificate; the node's `retry` says how often it is tried again.",
    ),
    Code.HTTP_TIMEOUT: Explanation(
        "The HTTP server did not answer in full within the node's `start_to_close`; the request may have had its"
        " effect.",
        "Allow more time, or find out why the server is slow.",
    ),
    Code.HTTP_TOO_LARGE: Explanation(
        "The HTTP answer is longer than the node's `max_bytes`.", "Raise `max_bytes`, or ask the server for less."
    ),
    Code.HTTP_BAD_RESPONSE: Explanation(
        "The HTTP answer is not what its headers call it: no JSON, or compressed in a way that was not asked for.",
        "Have the server corrected, or call it from an activity of your own.",
    ),
    Code.SECRET_UNKNOWN: Explanation(
        "The worker has no secret of this name, or an empty one.",
        "Set the variable THREADLOOM_SECRET_ followed by the name, or put a file of that name into"
        " THREADLOOM_SECRETS_DIR, for every worker of the product's task queue.",
    ),
    Code.MOCK_MISSING: Explanation(
        "In `flow run` or a test, a node asks the world outside, and neither a mock nor a function was given for it.",
        "Give `--mock` as the message says, or `--tasks` with the module that defines the activity.",
    ),
    Code.STILL_WAITING: Explanation(
        "In `flow run`, the flow waits for a person, a message, threads or an attempt, and nothing more will come.",
        "Answer the node with `--mock`, or give it a timeout.",
    ),
    Code.TOO_MANY_STEPS: Explanation(
        "In `flow run` or a test, the flow took more steps than a run may.",
        "Look for a loop without an end; a test may raise `max_steps`.",
    ),
    Code.INVALID_ARGUMENT: Explanation(
        "The command is malformed.", "Correct it; details name each place and what is expected there."
    ),
    Code.INVALID_ID: Explanation(
        "The id has characters or a length that ids do not have.",
        "Use 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit.",
    ),
    Code.COMMAND_ID_REUSED: Explanation(
        "This command id came before with other arguments.", "Use a new command id for a new command."
    ),
    Code.CONFIRMATION_REQUIRED: Explanation(
        "The command destroys something and was not confirmed.", "Give `--yes`, or type the id when asked."
    ),
    Code.FORBIDDEN: Explanation("The authoriser refuses this command to this actor.", "Ask whoever may."),
    Code.TIMED_OUT: Explanation(
        "The wait is over before what was waited for; the command stands.", "Look again later, or wait longer."
    ),
    Code.SERVER_UNREACHABLE: Explanation(
        "No Temporal server answers at the address.",
        "Check TEMPORAL_ADDRESS and the server; `starter.py dev` starts one on this machine.",
    ),
    Code.DATABASE_UNREACHABLE: Explanation(
        "The database does not answer.", "Start it, or set THREADLOOM_DATABASE_URL."
    ),
    Code.SCHEMA_OUTDATED: Explanation(
        "The database's schema is older or newer than this program.", "Start a worker of this version; it upgrades it."
    ),
    Code.NO_WORKER: Explanation(
        "No worker answers for this session.", "Start one: `python worker.py`. `doctor` shows who polls what."
    ),
    Code.TASKS_UNLOADABLE: Explanation(
        "The module of activities could not be loaded.", "Correct it as the message says."
    ),
    Code.PORT_IN_USE: Explanation("Another program listens on the port.", "Choose another port, or leave it out."),
    Code.INTERNAL: Explanation(
        "A defect of this program; the command was refused and nothing is lost.",
        "Report it with the message and the worker's log.",
    ),
}
