"""Ids for those who choose none, and the name of who works here."""

from __future__ import annotations

import getpass
import hashlib
import uuid

_QUALITIES = ("ample", "brave", "calm", "clear", "deft", "fleet", "gentle", "glad", "keen", "lucid", "merry", "quiet")
_THINGS = ("beacon", "birch", "brook", "cliff", "dune", "fern", "fjord", "grove", "heron", "loom", "meadow", "willow")
_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
"""Digits and letters that are not taken for one another."""

_SUFFIX = 6


def new_command_id() -> str:
    """A command id that nobody has used."""
    return uuid.uuid4().hex


def readable_id(command_id: str) -> str:
    """An id that people can say, such as `calm-river-k3v9q2`; always the same for a command id.

    So a command that is sent again, also by another process, names the same thing again.
    """
    number = int.from_bytes(hashlib.sha256(command_id.encode("utf-8", "surrogatepass")).digest(), "big")
    number, quality = divmod(number, len(_QUALITIES))
    number, thing = divmod(number, len(_THINGS))
    suffix = ""
    for _ in range(_SUFFIX):
        number, letter = divmod(number, len(_LETTERS))
        suffix += _LETTERS[letter]
    return f"{_QUALITIES[quality]}-{_THINGS[thing]}-{suffix}"


def login_name() -> str:
    """Who is logged in; `unknown` where the system has no name for it, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
