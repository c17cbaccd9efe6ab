from __future__ import annotations

import getpass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import is_id
from threadloom.names import login_name, new_command_id, readable_id


@given(st.text())
def test_any_command_id_makes_a_good_id_and_always_the_same(command_id: str) -> None:
    assert is_id(readable_id(command_id))
    assert readable_id(command_id) == readable_id(command_id)


def test_an_id_for_a_known_command_never_changes() -> None:
    """Another release must make the same one, or a command sent again would start something twice."""
    assert readable_id("c1") == "merry-meadow-wx7dkp"


def test_many_commands_make_different_ids() -> None:
    assert len({readable_id(new_command_id()) for _ in range(2_000)}) == 2_000


def test_who_has_no_name_in_the_system_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid 1234 not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert login_name() == "unknown"
