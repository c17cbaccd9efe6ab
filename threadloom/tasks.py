"""Loading a team's activities: what `--tasks MODULE` names."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from temporalio import activity

from domain.errors import Code, ThreadloomError
from threadloom.importing import import_file, import_name
from threadloom.inline_functions import MARK

Activity: TypeAlias = Callable[..., Any]

RESERVED = "threadloom."
"""Names of activities that begin so are this program's own."""


def load_tasks(modules: Sequence[str]) -> list[Activity]:
    """Load the activities that the modules define.

    An activity is a function, or a method of an instance, that `@activity.defn` marks. Those that a
    module only imports are left to the module that defines them. A class with such methods needs an
    instance in its module, unless it can be made without arguments. Inline functions, strategies and
    authorisers that a module defines are registered as it is imported, so a module may have them alone.

    Args:
        modules: Dotted names, or paths of `.py` files.

    Raises:
        ThreadloomError: `TASKS_UNLOADABLE`, with file and line where there is one.
    """
    defined_in: dict[str, str] = {}
    found: list[Activity] = []
    for module in modules:
        loaded = _load(module)
        activities = list(_activities_of(loaded, module))
        if not activities and not _has_registered_functions(loaded):
            raise _unloadable(module, "it defines no function marked with @activity.defn, and registers none")
        for name, task in activities:
            if name.startswith(RESERVED):
                raise _unloadable(module, f"activity {name}: names that begin with {RESERVED!r} are reserved")
            if name in defined_in:
                raise _unloadable(module, f"activity {name} is also defined in {defined_in[name]}")
            defined_in[name] = module
            found.append(task)
    return found


def _load(module: str) -> ModuleType:
    path = Path(module)
    is_file = path.suffix == ".py" or path.name != module
    if is_file and not path.is_file():
        raise _unloadable(module, "there is no such file")
    file = path.resolve() if is_file else None
    try:
        return import_file(file) if file else import_name(module)
    except (Exception, SystemExit) as error:  # whatever a module does when it is imported
        folder = file.parent if file else Path.cwd()
        raise _unloadable(_place(error, folder) or module, _said(error)) from error


def _has_registered_functions(module: ModuleType) -> bool:
    return any(inspect.isfunction(value) and hasattr(value, MARK) for value in vars(module).values())


def _activities_of(module: ModuleType, shown: str) -> Iterator[tuple[str, Activity]]:
    """Name and callable of each activity, once each, in the order of the module."""
    seen: set[int] = set()
    values = list(vars(module).values())
    for value in values:
        if id(value) in seen:
            continue
        seen.add(id(value))
        if inspect.isclass(value):
            if value.__module__ == module.__name__ and not any(type(other) is value for other in values):
                yield from _methods_of_new(value, shown)
        elif inspect.isfunction(value):
            if value.__module__ == module.__name__ and (name := _name_of(value)):
                yield name, value
        elif type(value).__module__ == module.__name__:
            yield from _methods_of(value)


def _methods_of_new(cls: type, shown: str) -> Iterator[tuple[str, Activity]]:
    """Activities of a class that has no instance yet."""
    if not any(_name_of(member) for _, member in inspect.getmembers(cls, inspect.isfunction)):
        return
    try:
        instance = cls()
    except Exception as error:
        message = f"class {cls.__name__} has activities and no instance, and making one failed: {_said(error)}"
        raise _unloadable(shown, message) from error
    yield from _methods_of(instance)


def _methods_of(instance: object) -> Iterator[tuple[str, Activity]]:
    # Looked up on the class: reading an instance's every attribute could run its properties.
    for attribute, member in inspect.getmembers(type(instance)):
        if name := _name_of(member):
            yield name, getattr(instance, attribute)


def _name_of(value: object) -> str | None:
    # The SDK has no public way to ask; `must_from_callable` of the same class is what its worker uses.
    definition = activity._Definition.from_callable(value) if callable(value) else None
    if definition is None:
        return None
    return definition.name or "(dynamic)"


def _place(error: BaseException, folder: Path) -> str | None:
    """FILE:LINE of the error: the innermost line that is the team's own, not a library's."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(folder) and "site-packages" not in path.parts and path.parent != Path(__file__).parent:
            return f"{frame.filename}:{frame.lineno}"
    return None


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}".rstrip(": ")


def _unloadable(place: str, why: str) -> ThreadloomError:
    return ThreadloomError(Code.TASKS_UNLOADABLE, f"{place}: {why}", {"module": place})
