"""`threadloom.testing`: flows in the process, with virtual time and mocks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity as sdk
from temporalio.exceptions import ApplicationError

from domain.errors import Code
from domain.values import JsonObject
from tests.builders import activity, flow_of, refusal, set_
from threadloom.testing import START, Fail, FlowRun, Message, in_turn, run_flow

THRICE = {"maximum_attempts": 3, "initial_interval": "10s"}


def took(run: FlowRun) -> float:
    return (run.ended_at - run.started_at).total_seconds()


def result_of(node: JsonObject, mock: Any, **given: Any) -> Any:
    """The result of the one node of a flow."""
    run = run_flow(flow_of({"n": {"save": "v", **node, "next": "end"}}), mocks={"n": mock}, **given)
    assert run.status == "completed", run
    return run.variables["v"]


class TestActivities:
    def test_a_mock_is_its_result_also_when_that_is_a_list(self) -> None:
        assert result_of(activity(), [{"a": 1}, {"a": 2}]) == [{"a": 1}, {"a": 2}]

    def test_a_function_gets_the_rendered_arguments(self) -> None:
        flow = flow_of({"add": activity(args=["{{ input.a }}", 2], save="sum")})
        run = run_flow(flow, {"a": 40}, mocks={"add": lambda a, b: a + b})
        assert run.variables == {"sum": 42}
        assert [(call.node, call.name, call.args, call.attempts) for call in run.calls] == [("add", "work", (40, 2), 1)]

    def test_a_mock_for_the_activity_serves_every_node_and_one_for_the_node_comes_first(self) -> None:
        flow = flow_of({"a": activity(next="b", save="x"), "b": activity(save="y")})
        assert run_flow(flow, mocks={"activity:work": 1, "b": 2}).variables == {"x": 1, "y": 2}

    def test_what_is_neither_mocked_nor_given_is_named(self) -> None:
        error = refusal(lambda: run_flow(flow_of({"n": activity("charge", args=[7])})))
        assert error.code == Code.MOCK_MISSING
        assert error.details == {"node": "n", "visit": 1, "kind": "activity", "mock": "n", "args": [7]}

    def test_answers_in_turn_go_to_successive_visits_and_the_last_one_stays(self) -> None:
        back = [{"when": "seen | length < 3", "to": "n"}, {"to": "end"}]
        flow = flow_of(
            {"n": activity(save={"seen": "{{ seen + [result] }}"}, next=back)}, start="n", variables={"seen": []}
        )
        assert run_flow(flow, mocks={"n": in_turn("a", "b")}).variables["seen"] == ["a", "b", "b"]

    def test_mocks_can_be_used_for_many_runs(self) -> None:
        mocks = {"n": in_turn(1, 2)}
        runs = [run_flow(flow_of({"n": activity(save="v")}), mocks=mocks) for _ in range(2)]
        assert [run.variables for run in runs] == [{"v": 1}, {"v": 1}]

    def test_an_assertion_in_a_function_fails_the_test_and_not_the_node(self) -> None:
        def wrong(*args: Any) -> None:
            raise AssertionError("never with these")

        flow = flow_of({"n": activity(on_error="end")})
        with pytest.raises(AssertionError, match="never with these"):
            run_flow(flow, mocks={"n": wrong})

    @pytest.mark.parametrize(
        ("mocks", "said"),
        [
            ({"other": 1}, "no node other for the mock other; these take one: n"),
            ({"o": 1, "n/n": 1}, "no node o for the mock o; these take one: n"),
            ({"don": 1}, "no node don for the mock don; these take one: n"),
            ({"done": 1}, "done is a `set`, which asks nobody: it takes no mock; these take one: n"),
            ({"n": object()}, "the mock n gives a object, which is not JSON"),
            ({"n": float("nan")}, "the mock n gives a float, which is not JSON"),
        ],
    )
    def test_a_mock_that_fits_nothing_is_refused(self, mocks: dict[str, Any], said: str) -> None:
        error = refusal(lambda: run_flow(flow_of({"n": activity(next="done"), "done": set_(x=1)}), mocks=mocks))
        assert error.code == Code.INVALID_ARGUMENT
        assert error.message.startswith(said)


class TestFailures:
    def test_attempts_follow_the_retry_policy_in_virtual_time(self) -> None:
        flow = flow_of({"n": activity(retry=THRICE, save="v")})
        run = run_flow(flow, mocks={"n": in_turn(Fail("DOWN"), ValueError("odd"), "up")})
        assert run.variables == {"v": "up"}
        assert took(run) == 10 + 20
        assert run.executions[0]["attempts"] == 3

    def test_the_last_failure_is_the_node_s(self) -> None:
        flow = flow_of({"n": activity(retry=THRICE, on_error=[{"codes": ["DOWN"], "to": "broken"}])})
        run = run_flow(flow, mocks={"n": Fail("DOWN", "no answer", details={"port": 7})})
        assert (run.status, run.path) == ("failed", ["n", "broken"])
        assert run.error is not None
        assert run.error.code == "BROKEN"
        assert run.executions[0]["error"] == {
            "code": "DOWN", "message": "no answer", "details": {"port": 7}, "node": "n"
        }  # fmt: skip
        assert run.calls[0].attempts == 3

    @pytest.mark.parametrize(
        "failure",
        [
            Fail("BAD", retryable=False),
            ApplicationError("bad", type="BAD", non_retryable=True),
            ApplicationError("listed", type="LISTED"),
        ],
    )
    def test_what_is_not_to_be_tried_again_is_not(self, failure: Exception) -> None:
        run = run_flow(flow_of({"n": activity(retry={"non_retryable": ["LISTED"]})}), mocks={"n": failure})
        assert run.error is not None
        assert run.error.code in ("BAD", "LISTED")
        assert run.calls[0].attempts == 1

    def test_a_policy_without_an_end_leaves_the_run_waiting(self) -> None:
        run = run_flow(flow_of({"n": activity()}), mocks={"n": Fail("DOWN")})
        assert run.status == "waiting"
        assert run.waiting is not None
        assert run.waiting["last_failure"]["code"] == "DOWN"
        assert run.waiting_for is not None
        assert "its retry policy has no end (DOWN)" in run.waiting_for

    def test_no_attempt_begins_behind_the_node_s_timeout(self) -> None:
        run = run_flow(
            flow_of({"n": activity(timeout="25s", retry={"initial_interval": "10s"})}), mocks={"n": OSError()}
        )
        assert (run.status, run.error.code) == ("failed", "NODE_TIMEOUT")
        assert run.error.details["last"]["code"] == "OSError"
        assert run.calls[0].attempts == 2

    def test_what_was_done_is_undone_in_reverse(self) -> None:
        undo = {"activity": "undo", "args": ["{{ node.id }}", "{{ result }}"]}
        flow = flow_of(
            {
                "a": activity(next="b", compensate=undo),
                "b": activity(next="c", compensate=undo),
                "c": activity(),
            }
        )
        run = run_flow(
            flow, mocks={"a": 1, "b": 2, "c": Fail("NO", retryable=False), "activity:undo": Fail("X", retryable=False)}
        )
        undone = [(call.role, call.args) for call in run.calls if call.name == "undo"]
        assert undone == [("compensation", ("b", 2)), ("compensation", ("a", 1))]
        assert [each["node"] for each in run.not_undone] == ["b", "a"]

    def test_hooks_want_a_mock_of_the_activity(self) -> None:
        flow = flow_of({"n": set_(x=1)}, hooks={"after_node": {"call": {"activity": "tell", "args": ["{{ x }}"]}}})
        error = refusal(lambda: run_flow(flow))
        assert (error.code, error.details["mock"]) == (Code.MOCK_MISSING, "activity:tell")
        run = run_flow(flow, mocks={"activity:tell": None})
        assert [(call.node, call.role, call.args) for call in run.calls] == [("n", "after_node", (1,))]


@dataclass
class Order:
    quantity: int
    price: float


@sdk.defn
def price(order: Order) -> dict[str, float]:
    return {"total": order.quantity * order.price}


@sdk.defn(name="slow-price")
async def slow_price(order: Order) -> float:
    await asyncio.sleep(0)
    return order.price * sdk.info().attempt


@sdk.defn
def flaky() -> int:
    if sdk.info().attempt < 3:
        raise ApplicationError("not yet", type="EARLY")
    return sdk.info().attempt


class TestRealFunctions:
    def test_they_get_the_types_that_they_ask_for(self) -> None:
        flow = flow_of({"n": activity("price", args=[{"quantity": 2, "price": 1.5}], save="v")})
        assert run_flow(flow, activities=[price]).variables == {"v": {"total": 3.0}}

    async def test_coroutines_run_although_the_caller_is_in_a_loop(self) -> None:
        flow = flow_of({"n": activity("slow-price", args=[{"quantity": 2, "price": 1.5}], save="v")})
        assert run_flow(flow, activities=[slow_price]).variables == {"v": 1.5}

    def test_they_are_tried_again_and_see_which_attempt_it_is(self) -> None:
        flow = flow_of({"n": activity("flaky", retry=THRICE, save="v")})
        assert run_flow(flow, activities=[flaky]).variables == {"v": 3}

    def test_a_mock_comes_before_the_function(self) -> None:
        assert result_of(activity("price"), 1, activities=[price]) == 1

    def test_a_function_that_is_no_activity_is_refused(self) -> None:
        error = refusal(lambda: run_flow(flow_of({"n": activity()}), activities=[took]))
        assert error.code == Code.INVALID_ARGUMENT

    def test_an_inline_function_that_is_not_registered_fails_the_node(self) -> None:
        run = run_flow(flow_of({"n": activity("nobody@1", mode="inline")}))
        assert run.error is not None
        assert run.error.code == Code.FUNCTION_NOT_FOUND


APPROVAL = {"kind": "approval", "prompt": "Pay {{ input }}?", "choices": ["yes", "no"]}


class TestTimeAndPeople:
    def test_a_wait_takes_no_time(self) -> None:
        run = run_flow(flow_of({"w": {"kind": "wait", "for": "30d", "next": "end"}}))
        assert (run.status, took(run)) == ("completed", 30 * 86_400)
        assert datetime.fromisoformat(run.executions[0]["ended_at"]) == START + timedelta(days=30)

    def test_a_run_begins_when_it_is_told(self) -> None:
        flow = flow_of({"n": set_(at="{{ now }}")})
        assert run_flow(flow, start=datetime(2031, 5, 6, tzinfo=UTC)).variables == {"at": "2031-05-06T00:00:00+00:00"}

    def test_looking_ends_when_it_is_told(self) -> None:
        flow = flow_of({"w": {"kind": "wait", "for": "30d", "next": "end"}})
        run = run_flow(flow, until=timedelta(days=1))
        assert (run.status, took(run)) == ("waiting", 86_400)
        assert run.waiting is not None
        assert run.waiting["kind"] == "timer"

    @pytest.mark.parametrize("mock", ["yes", {"choice": "yes"}, lambda asked: asked["choices"][0]])
    def test_a_person_s_choice(self, mock: Any) -> None:
        answer = result_of(APPROVAL, mock)
        assert (answer["choice"], answer["actor"]) == ("yes", "mock")

    def test_a_person_s_name_and_data(self) -> None:
        answer = result_of(APPROVAL, {"choice": "no", "actor": "ann", "data": {"why": "dear"}})
        assert (answer["choice"], answer["actor"], answer["data"]) == ("no", "ann", {"why": "dear"})

    def test_a_choice_that_is_not_offered_is_the_test_s_mistake(self) -> None:
        error = refusal(lambda: result_of(APPROVAL, "perhaps"))
        assert error.code == Code.BAD_CHOICE
        assert error.message.startswith("the mock of n: 'perhaps'")

    def test_an_approval_that_nobody_answers_leaves_the_run_waiting(self) -> None:
        run = run_flow(flow_of({"n": {**APPROVAL, "remind": "1h", "next": "end"}}), 7)
        assert (run.status, took(run)) == ("waiting", 0)
        assert run.waiting is not None
        assert (run.waiting["kind"], run.waiting["choices"]) == ("approval", ["yes", "no"])
        assert run.executions[-1]["status"] == "running"

    def test_with_a_timeout_it_times_out(self) -> None:
        node = {**APPROVAL, "remind": "1h", "timeout": "2d", "next": "end", "on_timeout": "broken"}
        run = run_flow(flow_of({"n": node}), 7)
        assert (run.path, took(run)) == (["n", "broken"], 2 * 86_400)

    def test_a_message_that_a_node_receives(self) -> None:
        assert result_of({"kind": "receive", "name": "paid"}, {"sum": 3})["body"] == {"sum": 3}

    def test_messages_come_when_they_are_told_and_wait_in_the_mailbox(self) -> None:
        node = {"kind": "receive", "where": "message.body > 1", "save": {"got": "{{ message.body }}"}, "next": "end"}
        mail = [Message(body=3, after=timedelta(hours=2)), Message(body=1, after=timedelta(hours=1))]
        run = run_flow(flow_of({"n": node}), messages=mail)
        assert (run.variables, took(run)) == ({"got": 3}, 7_200)

    def test_without_a_message_the_run_waits(self) -> None:
        run = run_flow(flow_of({"n": {"kind": "receive", "name": "paid", "next": "end"}}))
        assert run.waiting_for == "a message named paid at n"


class TestOtherKinds:
    def test_a_map_takes_a_list_of_results(self) -> None:
        node = {**activity(args=["{{ item }}"]), "kind": "map", "over": [1, 2, 3], "concurrency": 2}
        assert result_of(node, ["a", "b", "c"]) == ["a", "b", "c"]
        assert result_of(node, lambda item: item * 2) == [2, 4, 6]
        assert refusal(lambda: result_of(node, ["a"])).code == Code.INVALID_ARGUMENT
        assert refusal(lambda: result_of(node, 7)).code == Code.INVALID_ARGUMENT

    def test_an_item_of_a_map_that_fails(self) -> None:
        node = {**activity(), "kind": "map", "over": [1, 2], "on_item_error": "collect"}
        rows = result_of(node, ["a", Fail("NO", retryable=False)])
        assert [row["status"] for row in rows] == ["completed", "failed"]

    def test_a_request(self) -> None:
        node = {"kind": "http", "url": "https://api.test/{{ input }}", "method": "POST", "json": {"n": 1}}
        flow = flow_of({"n": {**node, "save": "v", "next": "end"}})
        run = run_flow(flow, 7, mocks={"n": {"body": {"id": 9}}})
        assert run.variables["v"] == {"status": 200, "headers": {}, "body": {"id": 9}}
        asked = run.calls[0].args[0]
        assert (asked["method"], asked["url"], asked["json"]) == ("POST", "https://api.test/7", {"n": 1})

    def test_a_request_is_tried_again_on_the_statuses_of_its_policy(self) -> None:
        node = {"kind": "http", "url": "https://api.test", "next": "end"}
        run = run_flow(flow_of({"n": node}), mocks={"n": in_turn({"status": 503}, {"status": 404})})
        assert run.error is not None
        assert (run.error.code, run.calls[0].attempts) == ("HTTP_404", 2)

    def test_a_workflow(self) -> None:
        node = {"kind": "workflow", "workflow": "Ship", "args": ["{{ input }}"], "effect": "none"}
        assert result_of(node, lambda order: {"shipped": order}, input=7) == {"shipped": 7}

    def test_a_message_that_is_sent_reaches_whom_it_is_for(self) -> None:
        node = {"kind": "send", "to": ["a", "b"], "name": "done", "body": {"n": 1}, "save": "v", "next": "end"}
        run = run_flow(flow_of({"n": node}))
        assert run.variables["v"] == ["a", "b"]
        assert run.sent == [{"to": ["a", "b"], "name": "done", "type": "data", "body": {"n": 1}, "session_id": "local"}]


def spawning(**join: Any) -> JsonObject:
    return flow_of(
        {
            "start": {"kind": "spawn", "flow": "f", "each": [1, 2, 3], "input": "{{ item }}", "next": "gather"},
            "gather": {"kind": "join", "of": "start", "save": "rows", "next": "end", **join},
        },
    )


class TestThreads:
    def test_spawned_threads_are_named_and_a_join_gets_their_rows(self) -> None:
        run = run_flow(spawning(), mocks={"gather": [{"result": "a"}, {"result": "b"}, {"result": "c"}]})
        assert [row["result"] for row in run.variables["rows"]] == ["a", "b", "c"]
        assert [each["input"] for each in run.calls[0].args] == [1, 2, 3]
        assert [row["thread_id"] for row in run.variables["rows"]] == [each["thread_id"] for each in run.calls[0].args]

    def test_a_mock_may_name_the_threads(self) -> None:
        rows = [{"thread_id": "b", "error": {"code": "X"}}, {"thread_id": "a"}]
        run = run_flow(spawning(on_failed="collect"), mocks={"start": ["a", "b"], "gather": rows})
        assert [(row["thread_id"], row["status"]) for row in run.variables["rows"]] == [
            ("a", "completed"),
            ("b", "failed"),
        ]
        assert run_flow(spawning(), mocks={"start": []}).variables["rows"] == []

    def test_a_join_fails_as_the_engine_has_it(self) -> None:
        run = run_flow(spawning(rest="cancel"), mocks={"gather": [{"status": "failed"}]})
        assert run.error is not None
        assert run.error.code == Code.JOIN_FAILED
        assert [(call.kind, len(call.args)) for call in run.calls] == [("spawn", 3), ("join", 3), ("cancel", 2)]

    def test_a_refused_spawn(self) -> None:
        run = run_flow(spawning(), mocks={"start": Fail("THREAD_LIMIT_REACHED")})
        assert run.error is not None
        assert run.error.code == "THREAD_LIMIT_REACHED"

    def test_threads_that_never_end_leave_the_run_waiting_or_time_out(self) -> None:
        run = run_flow(spawning())
        assert run.waiting is not None
        assert (run.status, run.waiting["kind"]) == ("waiting", "join")
        assert run_flow(spawning(timeout="1h", on_timeout="broken")).path == ["start", "gather", "broken"]

    def test_a_row_for_another_thread_is_refused(self) -> None:
        error = refusal(lambda: run_flow(spawning(), mocks={"gather": [{"thread_id": "z"}]}))
        assert error.code == Code.INVALID_ARGUMENT


ASK = {**activity(save="v"), "next": "out"}
INNER = {**flow_of({"ask": ASK, "out": {"kind": "end", "result": "{{ v }}"}}), "flow": "in"}
OUTER = flow_of(
    {
        "a": {"kind": "subflow", "flow": "in", "save": "x", "next": "b"},
        "b": {"kind": "subflow", "flow": "in@1", "save": "y", "next": "end"},
    }
)


class TestSubflows:
    def test_they_run_for_real_and_their_nodes_are_mocked_by_id_or_path(self) -> None:
        run = run_flow(OUTER, flows=[INNER], mocks={"ask": 1, "b/ask": 2})
        assert run.variables == {"x": 1, "y": 2}
        assert run.path == ["a/ask", "a/out", "a", "b/ask", "b/out", "b", "end"]

    def test_one_that_is_not_given_is_named(self) -> None:
        error = refusal(lambda: run_flow(OUTER))
        assert error.code == Code.FLOW_NOT_FOUND
        assert error.details["flow"] == "in"


LOOP = flow_of(
    {"n": {**set_([{"when": "n < 0", "to": "end"}, {"to": "n"}], n="{{ n + 1 }}"), "max_visits": 1_000_000}},
    start="n",
    variables={"n": 0},
)


class TestBounds:
    def test_a_run_that_takes_too_many_steps_is_stopped(self) -> None:
        run = run_flow(LOOP, max_steps=50)
        assert (run.status, run.steps) == ("stopped", 50)
        assert run.error is not None
        assert run.error.code == Code.TOO_MANY_STEPS

    def test_a_loop_that_waits_ends_before_the_calendar_does(self) -> None:
        flow = flow_of({"w": {"kind": "wait", "for": "36500d", "next": [{"when": "false", "to": "end"}, {"to": "w"}]}})
        assert run_flow(flow).status == "stopped"

    def test_the_flow_s_own_limits_are_kept(self) -> None:
        failed = run_flow({**LOOP, "limits": {"max_steps": 5}})
        assert failed.error is not None
        assert failed.error.code == Code.LIMIT_REACHED
        held = run_flow({**LOOP, "limits": {"max_steps": 5, "on_limit": "pause"}})
        assert held.waiting is not None
        assert (held.status, held.waiting["kind"]) == ("waiting", "hold")

    def test_the_input_is_checked_as_when_a_thread_starts(self) -> None:
        flow = flow_of({"n": set_(x=1)}, inputs={"type": "object", "required": ["a"]})
        assert refusal(lambda: run_flow(flow, {})).code == Code.INPUT_INVALID

    @pytest.mark.parametrize("name", ["missing.yaml", "broken.yaml"])
    def test_a_file_that_is_no_flow_is_refused(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "broken.yaml").write_text("flow: 7\n")
        error = refusal(lambda: run_flow(tmp_path / name))
        assert error.code == (Code.FLOW_INVALID if name == "broken.yaml" else Code.FLOW_NOT_FOUND)


def test_who_looks_on_sees_each_execution_as_it_ends() -> None:
    seen: list[JsonObject] = []
    run = run_flow(flow_of({"n": activity(next="m"), "m": set_(x=1)}), mocks={"n": 1}, observer=seen.append)
    assert seen == run.executions


def test_the_run_as_json_has_what_thread_commands_print() -> None:
    document = run_flow(flow_of({"n": activity()}), mocks={"n": "x" * 20_000}).document()
    assert {"status", "result", "error", "variables", "executions", "waiting"} <= document.keys()
    assert document["executions"][0]["result"] == {"elided": True, "bytes": 20_002}
