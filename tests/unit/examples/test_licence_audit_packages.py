"""The licence audit on made packages, sound and broken, and on the ones that are really installed."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.licence_audit import tasks

Call = Callable[..., Any]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that comes first on the import path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def install(site: Path, name: str, metadata: str | bytes | None, content: bytes = b"print()\n") -> Path:
    """A package of one module, with a RECORD that fits; metadata None leaves METADATA out."""
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir()
    (site / f"{name}.py").write_bytes(content)
    record = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    (folder / "RECORD").write_text(f"{name}.py,sha256={record},{len(content)}\n{name}-1.0.dist-info/RECORD,,\n")
    if metadata is not None:
        (folder / "METADATA").write_bytes(metadata.encode() if isinstance(metadata, str) else metadata)
    return folder


def metadata(name: str, *lines: str) -> str:
    return "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, ""])


def read(call: Call, name: str) -> Any:
    (package,) = call(tasks.read_distributions, [name])
    return package


def test_a_package_is_read_whole(site: Path, call: Call) -> None:
    lines = (
        "License-Expression: MIT",
        "Requires-Dist: Some_Thing >=1; python_version > '3'",
        "Requires-Dist: another[fast]",
        "Requires-Dist: optional; extra == 'more'",
    )
    folder = install(site, "zz_sound", metadata("zz.Sound", *lines), content=b"x" * 1_000)

    assert read(call, "zz-sound") == {
        "name": "zz.Sound",
        "version": "1.0",
        "licence": "MIT",
        "stated": "MIT",
        "source": "License-Expression",
        "size_bytes": 1_000 + (folder / "RECORD").stat().st_size,
        "files": 2,
        "altered": 0,
        "dependencies": ["another", "some-thing"],
        "problem": None,
    }


def test_a_file_changed_after_its_installation_shows(site: Path, call: Call) -> None:
    install(site, "zz_changed", metadata("zz-changed", "License-Expression: MIT"))
    (site / "zz_changed.py").write_text("print('other')\n")

    assert read(call, "zz-changed")["altered"] == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "metadata"), (b"", "metadata"), (b"Name: \xff\xfe\n", "metadata unreadable")],
    ids=["missing", "empty", "no utf-8"],
)
def test_broken_metadata_are_reported_and_do_not_stop_the_others(
    site: Path, call: Call, content: bytes | None, problem: str
) -> None:
    install(site, "zz_broken", content)
    install(site, "zz_sound", metadata("zz-sound", "License: MIT"))

    assert [name for batch in call(tasks.list_distributions, None, "z", 50) for name in batch if "zz" in name] == [
        "zz_broken",
        "zz-sound",
    ]
    broken, sound = call(tasks.read_distributions, ["zz_broken", "zz-sound"])
    assert (broken["licence"], broken["files"]) == (None, 2)
    assert problem in broken["problem"]
    assert (sound["licence"], sound["problem"]) == ("MIT", None)


def test_a_damaged_file_list_keeps_the_licence(site: Path, call: Call) -> None:
    folder = install(site, "zz_record", metadata("zz-record", "License-Expression: MIT"))
    (folder / "RECORD").write_bytes(b"\xff\xfe,,\n")

    package = read(call, "zz-record")

    assert package["licence"] == "MIT"
    assert "file list unreadable" in package["problem"]


def test_files_that_are_gone_do_not_count(site: Path, call: Call) -> None:
    folder = install(site, "zz_gone", metadata("zz-gone", "License-Expression: MIT"))
    (site / "zz_gone.py").unlink()

    package = read(call, "zz-gone")

    assert (package["files"], package["problem"]) == (1, None)
    assert package["size_bytes"] == (folder / "RECORD").stat().st_size


def test_a_name_that_is_not_installed_is_reported(call: Call) -> None:
    package = read(call, "zz-nowhere")

    assert (package["licence"], package["problem"]) == (None, "not installed")


def test_every_installed_package_is_in_exactly_one_batch(call: Call) -> None:
    installed = {tasks._canonical_name(one.name) for one in importlib.metadata.distributions()}

    batches = call(tasks.list_distributions, None, None, 7)

    names = [tasks._canonical_name(name) for batch in batches for name in batch]
    assert names == sorted(installed)
    assert {len(batch) for batch in batches[:-1]} == {7}
    assert 1 <= len(batches[-1]) <= 7


def test_the_packages_really_installed_are_readable(call: Call) -> None:
    (batch,) = call(tasks.list_distributions, ["temporalio", "Jinja2"], None, 5)

    jinja, temporal = call(tasks.read_distributions, batch)

    assert (jinja["name"].lower(), jinja["licence"], jinja["dependencies"]) == (
        "jinja2",
        "BSD-3-Clause",
        ["markupsafe"],
    )
    assert (temporal["licence"], temporal["version"]) == ("MIT", importlib.metadata.version("temporalio"))
    assert temporal["size_bytes"] > 1_000_000
    assert temporal["altered"] == 0


def test_a_subset_by_names_and_by_letters(call: Call) -> None:
    names = ["Zope", "alpha", "b_eta", "B-Eta", "9lives"]

    assert call(tasks.list_distributions, names, None, 10) == [["9lives", "alpha", "b_eta", "Zope"]]
    assert call(tasks.list_distributions, names, "a-f", 1) == [["alpha"], ["b_eta"]]
    assert call(tasks.list_distributions, names, "z9", 10) == [["9lives", "Zope"]]
    assert call(tasks.list_distributions, [], None, 10) == []


@pytest.mark.parametrize(("group", "size"), [("", 5), ("A", 5), ("!a", 5), ("a]", 5), ("a-", 5), (None, 0)])
def test_a_group_or_size_that_is_none_is_refused(refusal: Call, group: str | None, size: int) -> None:
    assert refusal(tasks.list_distributions, [], group, size) == ("BAD_INPUT", False)


def request(call: Call, folder: Path, **changes: Any) -> dict[str, Any]:
    policy = {"allowed": ["MIT"], "unknown": "deny"}
    packages = [
        {"name": "one", "version": "1", "licence": "MIT", "size_bytes": 2_000_000, "dependencies": ["two"]},
        {"name": "two", "version": None, "licence": None, "stated": "own | terms\n<b>", "problem": "odd"},
    ]
    return {
        "name": "licence-audit-s-t",
        "folder": str(folder),
        "packages": packages,
        "classification": call(tasks.classify_licences, packages, policy),
        "policy": policy,
        "decision": {"choice": "accept", "actor": "ada", "reason": "for tests only"},
        "verdict": "accepted",
    } | changes


def test_the_report_says_what_was_found_and_who_decided(tmp_path: Path, call: Call) -> None:
    report = call(tasks.write_licence_report, request(call, tmp_path / "new" / "folder"))

    text = Path(report["path"]).read_text(encoding="utf-8")
    assert report == {"path": str(tmp_path / "new" / "folder" / "licence-audit-s-t.md"), "packages": 2, "offenders": 1}
    assert "Verdict: **accepted**\nDecided by ada: for tests only\n" in text
    assert "2 packages, 2.0 MB: 1 allowed, 1 denied, 0 review" in text
    assert r"| two |  | unknown | own \| terms &lt;b> | denied | no licence could be derived |" in text
    assert "| one | 1 | MIT |  | 2000 | 0 | two |  |" in text


def test_a_clean_report_names_no_offender(tmp_path: Path, call: Call) -> None:
    clean = {"counts": {"allowed": 0}, "licences": {}, "offenders": []}
    asked = request(call, tmp_path, packages=[], classification=clean, decision=None, verdict="clean")

    text = Path(call(tasks.write_licence_report, asked)["path"]).read_text(encoding="utf-8")

    assert "Verdict: **clean**" in text
    assert "Not allowed" not in text
    assert "Decided" not in text


def test_writing_the_report_again_changes_nothing_and_leaves_nothing_behind(tmp_path: Path, call: Call) -> None:
    first = Path(call(tasks.write_licence_report, request(call, tmp_path))["path"]).read_bytes()
    second = Path(call(tasks.write_licence_report, request(call, tmp_path))["path"]).read_bytes()

    assert first == second
    assert [file.name for file in tmp_path.iterdir()] == ["licence-audit-s-t.md"]


def test_a_report_cannot_leave_its_folder(tmp_path: Path, call: Call, refusal: Call) -> None:
    assert refusal(tasks.write_licence_report, request(call, tmp_path, name="../out")) == ("BAD_INPUT", False)


def test_whoever_reads_the_old_report_reads_it_to_its_end(tmp_path: Path, call: Call) -> None:
    old = Path(call(tasks.write_licence_report, request(call, tmp_path))["path"])
    before = old.read_bytes()

    with old.open("rb") as reader:
        call(tasks.write_licence_report, request(call, tmp_path, verdict="rejected"))

        assert reader.read() == before
        assert b"rejected" in old.read_bytes()


def test_a_report_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path, call: Call, refusal: Call) -> None:
    (tmp_path / "licence-audit-s-t.md").mkdir()

    assert refusal(tasks.write_licence_report, request(call, tmp_path)) == ("REPORT_UNWRITABLE", True)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path, call: Call, refusal: Call) -> None:
    (tmp_path / "file").write_text("in the way")

    assert refusal(tasks.write_licence_report, request(call, tmp_path / "file")) == ("REPORT_UNWRITABLE", True)
