"""What `--tasks` loads, and what it says about modules that cannot be loaded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, get_type_hints

import pytest
from temporalio import activity

import domain
from domain.errors import Code, ThreadloomError
from domain.registry import Registry
from domain.thread import functions
from threadloom.tasks import load_tasks

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the test's folder and return its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write


@pytest.fixture(autouse=True)
def untouched_imports() -> Iterator[None]:
    """What a test imports is gone after it."""
    path, modules = list(sys.path), dict(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def names(activities: list[Callable[..., Any]]) -> list[str | None]:
    return [activity._Definition.must_from_callable(task).name for task in activities]


def refused(*modules: str | Path) -> ThreadloomError:
    with pytest.raises(ThreadloomError) as caught:
        load_tasks([str(module) for module in modules])
    assert caught.value.code == Code.TASKS_UNLOADABLE
    assert "\n" not in caught.value.message
    return caught.value


class TestWhatIsRegistered:
    def test_inline_functions_as_the_module_is_imported(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(functions, "_functions", Registry("an inline function"))
        file = write(
            "pure.py",
            """\
            from threadloom import inline

            @inline("double", version="1")
            def twice(n): return 2 * n
            """,
        )
        assert load_tasks([str(file)]) == []
        assert functions.function_named("double@1").function(4) == 8

    def test_every_marked_function_that_the_file_defines(self, write: Write) -> None:
        write("shared.py", "from temporalio import activity\n@activity.defn\ndef elsewhere(): ...\n")
        file = write(
            "my_tasks.py",
            """\
            from temporalio import activity
            from shared import elsewhere

            @activity.defn
            def first(): ...

            @activity.defn(name="second-one")
            async def second(): ...

            also_first = first

            def helper(): ...
            """,
        )
        assert names(load_tasks([str(file)])) == ["first", "second-one"]

    def test_methods_of_an_instance_in_the_module(self, write: Write) -> None:
        file = write(
            "my_tasks.py",
            """\
            from temporalio import activity

            class Mail:
                def __init__(self, sender):
                    self.sender = sender

                @activity.defn
                def send(self) -> str:
                    return self.sender

            mail = Mail("ada")
            """,
        )
        (send,) = load_tasks([str(file)])
        assert send() == "ada"

    def test_methods_of_a_class_that_needs_no_arguments(self, write: Write) -> None:
        file = write(
            "my_tasks.py",
            """\
            from temporalio import activity

            class Mail:
                @activity.defn
                def send(self) -> str:
                    return "sent"
            """,
        )
        (send,) = load_tasks([str(file)])
        assert send() == "sent"

    def test_a_dotted_name_is_found_from_the_current_folder(
        self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write("company/__init__.py", "")
        write("company/billing.py", "from temporalio import activity\n@activity.defn\ndef charge(): ...\n")
        monkeypatch.chdir(tmp_path)
        assert names(load_tasks(["company.billing"])) == ["charge"]

    def test_two_files_of_one_name_do_not_clash(self, write: Write) -> None:
        one = write("one/tasks.py", "from temporalio import activity\n@activity.defn\ndef one(): return 1\n")
        two = write("two/tasks.py", "from temporalio import activity\n@activity.defn\ndef two(): return 2\n")
        assert [task() for task in load_tasks([str(one), str(two)])] == [1, 2]

    def test_dataclasses_with_postponed_annotations_keep_their_types(self, write: Write) -> None:
        file = write(
            "my_tasks.py",
            """\
            from __future__ import annotations
            from dataclasses import dataclass
            from temporalio import activity

            @dataclass
            class Order:
                lines: list[Line]

            @dataclass
            class Line:
                price: int

            @activity.defn
            def total(order: Order) -> int:
                return sum(line.price for line in order.lines)
            """,
        )
        (total,) = load_tasks([str(file)])
        (order,) = activity._Definition.must_from_callable(total).arg_types or []
        (line,) = get_type_hints(order)["lines"].__args__
        assert total(order([line(2), line(3)])) == 5


class TestNamesThatThisProgramUsesToo:
    """A team's folder may hold a `domain` or `activities` of its own."""

    @pytest.mark.parametrize("initialised", [True, False], ids=["package", "folder"])
    def test_the_folder_beside_the_file_wins_while_it_is_loaded(self, write: Write, initialised: bool) -> None:
        if initialised:
            write("domain/__init__.py", "")
        write("domain/prices.py", "PRICE = 42\n")
        write("activities.py", "RATE = 2\n")
        file = write(
            "my_tasks.py",
            """\
            from temporalio import activity
            from activities import RATE
            from domain.prices import PRICE

            @activity.defn
            def price() -> int:
                return PRICE * RATE
            """,
        )
        (price,) = load_tasks([str(file)])
        assert price() == 84

    def test_ours_are_ours_again_afterwards(self, write: Write) -> None:
        write("domain/__init__.py", "OURS = False\n")
        file = write(
            "my_tasks.py",
            "import domain\nfrom temporalio import activity\n@activity.defn\ndef ours(): return domain.OURS\n",
        )
        (ours,) = load_tasks([str(file)])
        assert ours() is False
        assert sys.modules["domain"] is domain
        assert importlib.import_module("domain.errors").ThreadloomError is ThreadloomError

    def test_ours_are_ours_again_after_a_failure(self, write: Write) -> None:
        write("domain/__init__.py", "raise ValueError('no')\n")
        refused(write("my_tasks.py", "import domain\n"))
        assert sys.modules["domain"] is domain

    def test_their_dataclasses_keep_their_types(self, write: Write) -> None:
        write(
            "domain/orders.py",
            """\
            from __future__ import annotations
            from dataclasses import dataclass

            @dataclass
            class Order:
                line: Line

            @dataclass
            class Line:
                price: int
            """,
        )
        file = write(
            "my_tasks.py",
            """\
            from domain.orders import Order
            from temporalio import activity

            @activity.defn
            def price(order: Order) -> int: ...
            """,
        )
        (price,) = load_tasks([str(file)])
        (order,) = activity._Definition.must_from_callable(price).arg_types or []
        assert get_type_hints(order)["line"].__name__ == "Line"

    def test_a_file_beside_our_own_packages_uses_ours(self) -> None:
        root = Path(domain.__file__ or "").parent.parent
        with pytest.raises(ThreadloomError, match="no function marked"):
            load_tasks([str(root / "worker.py")])
        assert sys.modules["domain"] is domain


class TestImportsWhileItRuns:
    def test_a_module_beside_the_file_is_found_by_a_late_import(self, write: Write) -> None:
        write("late_helper.py", "VALUE = 7\n")
        file = write(
            "my_tasks.py",
            """\
            from temporalio import activity

            @activity.defn
            def value() -> int:
                import late_helper
                return late_helper.VALUE
            """,
        )
        (value,) = load_tasks([str(file)])
        assert value() == 7


class TestRefusals:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        assert str(tmp_path / "nope.py") in refused(tmp_path / "nope.py").message

    def test_a_missing_module(self) -> None:
        assert "no_such_module_anywhere" in refused("no_such_module_anywhere").message

    def test_a_syntax_error_names_file_and_line(self, write: Write) -> None:
        file = write("my_tasks.py", "x = 1\ndef broken(:\n")
        assert f"{file}:2: SyntaxError" in refused(file).message

    def test_a_missing_import_names_file_and_line(self, write: Write) -> None:
        file = write("my_tasks.py", "\n\nimport no_such_library\n")
        assert refused(file).message == f"{file}:3: ModuleNotFoundError: No module named 'no_such_library'"

    def test_a_failure_in_a_helper_names_the_helper(self, write: Write) -> None:
        helper = write("helper.py", "\nraise RuntimeError('first\\nsecond')\n")
        file = write("my_tasks.py", "import helper\n")
        assert refused(file).message == f"{helper}:2: RuntimeError: first second"

    def test_a_file_that_ends_the_program(self, write: Write) -> None:
        file = write("my_tasks.py", "raise SystemExit(0)\n")
        assert f"{file}:1: SystemExit" in refused(file).message

    def test_no_activities(self, write: Write) -> None:
        assert "no function marked" in refused(write("my_tasks.py", "def plain(): ...\n")).message

    def test_one_name_in_two_modules(self, write: Write) -> None:
        text = "from temporalio import activity\n@activity.defn\ndef greet(): ...\n"
        one, two = write("one.py", text), write("two.py", text)
        assert refused(one, two).message == f"{two}: activity greet is also defined in {one}"

    def test_a_reserved_name(self, write: Write) -> None:
        text = "from temporalio import activity\n@activity.defn(name='threadloom.x')\ndef x(): ...\n"
        assert "reserved" in refused(write("my_tasks.py", text)).message

    def test_a_class_that_cannot_be_made(self, write: Write) -> None:
        text = """\
            from temporalio import activity

            class Mail:
                def __init__(self, sender): ...

                @activity.defn
                def send(self): ...
            """
        assert "class Mail has activities and no instance" in refused(write("my_tasks.py", text)).message
