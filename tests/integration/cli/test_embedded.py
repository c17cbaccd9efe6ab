"""The embedded server, as `dev` uses it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from domain.errors import Code, ThreadloomError
from threadloom.embedded import choose_port, embedded_server


def test_a_usual_port_is_taken_only_when_it_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert choose_port(None, usual=port) not in (port, 0)
        with pytest.raises(ThreadloomError) as caught:
            choose_port(port)
        assert caught.value.code == Code.PORT_IN_USE
    assert choose_port(port) == choose_port(None, usual=port) == port


async def test_a_server_that_does_not_start_leaves_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ThreadloomError, match=r"did not start: .*no such file or directory") as caught:
        async with embedded_server(
            port=choose_port(None),
            ui_port=choose_port(None),
            log_file=tmp_path / "log",
            database=tmp_path / "missing" / "temporal.db",
        ):
            pytest.fail("it started without its folder")
    assert caught.value.code == Code.SERVER_UNREACHABLE
