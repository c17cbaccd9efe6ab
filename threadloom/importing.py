"""Importing other people's modules into this process, beside our own packages of the same names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

OWN_NAMES = (
    "activities",
    "commands",
    "domain",
    "examples",
    "starter",
    "storage",
    "threadloom",
    "worker",
    "workflows",
)
"""Top-level modules of this program: names that a team may well have chosen too."""

_ROOT = Path(__file__).resolve().parent.parent


def import_file(path: Path) -> ModuleType:
    """Import a file under a module name of its own, so that two files of one name do not clash.

    Its folder is importable meanwhile, before anything else, and stays importable after everything
    else. A module beside it that is called as one of ours is found instead of ours. Afterwards our
    name is ours again: what the file has imported it keeps, but an import of such a name that runs
    later, inside a function, finds ours.

    Raises:
        Exception: Whatever the file raises.
    """
    name = f"{_prefix(path.parent)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    with importable(path.parent):
        # Known by its name while it runs: dataclasses and type hints look their module up there.
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return module


def import_name(name: str) -> ModuleType:
    """Import a module by its dotted name; the current folder is importable, as it is for `python -m`."""
    with importable(Path.cwd()):
        return importlib.import_module(name)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Make a folder's modules importable before all others; see `import_file`."""
    folder = folder.resolve()
    shadowed = [name for name in OWN_NAMES if folder != _ROOT and _holds(folder, name)]
    ours = _take_out(shadowed)
    finder = _Beside(folder, shadowed)
    sys.meta_path.insert(0, finder)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.meta_path.remove(finder)
        _rename(_take_out(shadowed), folder)
        sys.modules.update(ours)
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


class _Beside(MetaPathFinder):
    """Finds the given names in the given folder only.

    The order of `sys.path` is not enough: a folder without `__init__.py` loses against any regular
    package, wherever that is.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = str(folder)
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        return PathFinder.find_spec(fullname, [self._folder], target)


def _holds(folder: Path, name: str) -> bool:
    return (folder / name).is_dir() or (folder / f"{name}.py").is_file()


def _take_out(names: Sequence[str]) -> dict[str, ModuleType]:
    """Remove the modules of these names, with their submodules, from those that are imported."""
    found = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in found}


def _rename(modules: dict[str, ModuleType], folder: Path) -> None:
    """Keep the modules under names of their own, so that the type hints of their classes still resolve."""
    for name, module in modules.items():
        renamed = f"{_prefix(folder)}_{name}"
        sys.modules[renamed] = module
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == name:
                value.__module__ = renamed


def _prefix(folder: Path) -> str:
    """Begins the names of all modules that are imported from the folder under another name than their own."""
    return f"tasks_{sha256(str(folder).encode()).hexdigest()[:12]}"
