from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ThreadloomError
from storage.address import parse_address


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_each_spelling_of_postgresql_reaches_the_asynchronous_driver(scheme: str) -> None:
    address = parse_address(f"{scheme}://ann:s3cret@db:5433/loom?sslmode=require")
    assert address.url.render_as_string(hide_password=False) == (
        "postgresql+asyncpg://ann:s3cret@db:5433/loom?ssl=require"
    )
    assert address.shown == "postgresql://ann:***@db:5433/loom?sslmode=require"
    assert address.file is None


def test_a_password_among_the_options_is_not_shown() -> None:
    assert "s3cret" not in parse_address("postgresql://db/loom?user=ann&password=s3cret").shown


def test_a_relative_sqlite_path_is_shown_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    address = parse_address("sqlite:///data/my loom.db")
    assert address.file == tmp_path / "data" / "my loom.db"
    assert address.shown == f"sqlite:///{tmp_path}/data/my loom.db"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3cret",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://s3cret/x.db",
        "sqlite:///x.db?mode=s3cret",
        "mysql://ann:s3cret@db/x",
        "postgresql://ann:s3cret@db:port/x",
        "postgresql://ann:s3cret@db/x?options=y",
    ],
)
def test_other_urls_are_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ThreadloomError, match="INVALID_ARGUMENT") as refused:
        parse_address(url)
    assert "s3cret" not in str(refused.value)
