"""Secrets that the worker's surroundings hold: environment variables and files."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from domain.ids import is_name

PREFIX = "THREADLOOM_SECRET_"

_logger = logging.getLogger(__name__)


class EnvironmentSecrets:
    """Reads secrets at every use, so that one that was renewed is used from then on.

    Args:
        folder: Files named like the secrets, as Docker and Kubernetes mount them; None for none.
        environment: The process's own variables by default. A variable comes before a file.
    """

    def __init__(self, folder: Path | None = None, environment: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._environment = environment

    async def get(self, name: str) -> str | None:
        """The secret's value, of a file without the line break at its end; None when there is none."""
        value = self._environment.get(PREFIX + name)
        if value is not None or self._folder is None or not is_name(name):
            return value
        return await asyncio.to_thread(_read, self._folder / name)


def _read(file: Path) -> str | None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        _logger.warning("secret %s cannot be read: %s", file.name, type(error).__name__)
        return None
    return text.removesuffix("\n")
