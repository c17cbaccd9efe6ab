"""A command id makes its command happen once, however often, from where and when it is sent."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import ThreadloomError
from tests.integration.client.flows import asking
from tests.integration.client.test_threads import asked
from threadloom import SessionHandle, Threadloom


async def test_the_same_creation_again_names_the_same_thread(session: SessionHandle, other: Threadloom) -> None:
    first = await session.create_thread(asking(), input={"word": "hello"}, command_id="c")
    assert await session.create_thread(asking(), input={"word": "hello"}, command_id="c") == first
    elsewhere = other.session(session.session_id)
    assert await elsewhere.create_thread(asking(), input={"word": "hello"}, command_id="c", actor="ann") == first
    assert len((await session.threads()).threads) == 1


async def test_the_same_fork_many_times_at_once_is_one(session: SessionHandle, other: Threadloom) -> None:
    await asked(session)
    clients = [session, other.session(session.session_id)]
    forks = [client.fork_thread("t", "ask", command_id="f", actor="ann") for client in clients * 3]
    answers = await asyncio.gather(*forks)
    assert {answer.thread_id for answer in answers} == {answers[0].thread_id}
    assert len((await session.threads()).threads) == 2


@pytest.mark.parametrize("first", ["pause", "create"])
async def test_an_id_used_for_another_command(session: SessionHandle, first: str) -> None:
    if first == "pause":
        await session.pause(command_id="c")
    else:
        await session.create_thread(asking(), input={"word": "hello"}, command_id="c")
    with pytest.raises(ThreadloomError, match="COMMAND_ID_REUSED"):
        await session.resume(command_id="c")
    with pytest.raises(ThreadloomError, match="COMMAND_ID_REUSED"):
        await session.configure({}, command_id="c")


async def test_a_pause_sent_again_after_the_resume_does_not_pause_again(session: SessionHandle) -> None:
    first = await session.pause(command_id="p")
    await session.resume()
    assert await session.pause(command_id="p") == first
    assert (await session.describe()).status == "active"


async def test_a_decision_sent_again_after_the_end_has_its_first_answer(session: SessionHandle) -> None:
    thread = await asked(session)
    first = await thread.decide("ask", "yes", command_id="d")
    await thread.result(wait=True, timeout=30)
    assert await thread.decide("ask", "yes", command_id="d") == first
    with pytest.raises(ThreadloomError, match="COMMAND_ID_REUSED"):
        await thread.decide("ask", "no", command_id="d")
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.decide("ask", "yes", command_id="e")


async def test_a_close_sent_again_after_the_end_has_its_first_answer(session: SessionHandle) -> None:
    await session.close(command_id="c", wait=True, timeout=30)
    assert (await session.close(command_id="c")).status == "closed"


async def test_a_refusal_is_an_answer_too(session: SessionHandle) -> None:
    thread = await asked(session)
    await session.close()
    with pytest.raises(ThreadloomError, match=r"ILLEGAL_TRANSITION.*closing"):
        await session.pause(command_id="p")
    await thread.cancel(wait=True, timeout=30)
    with pytest.raises(ThreadloomError, match=r"ILLEGAL_TRANSITION.*closing"):
        await session.pause(command_id="p")
