"""Takes secrets out of what comes back, in the ways in which servers write them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping

from domain.values import Json

_SURROGATES = re.compile("[\ud800-\udfff]")


class Redactor:
    """Replaces each secret's value by `[secret NAME]`.

    A server may quote a request as it came, percent-encoded, or escaped for JSON or HTML. A value that
    it hands back in another form, such as hashed or in base64, is not recognised.

    Args:
        secrets: Values, none of them empty, by name.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        # The longest first, as one secret may be the beginning of another.
        ordered = sorted(secrets.items(), key=lambda item: len(item[1]), reverse=True)
        self._names = [name for name, _ in ordered]
        written = "|".join(f"({''.join(map(_forms, value))})" for _, value in ordered)
        self._pattern = re.compile(written) if ordered else None
        self.longest = max((sum(map(_length, value)) for _, value in ordered), default=0)
        """Characters of the longest form of any of them."""

    def finds(self, text: str) -> bool:
        """Whether a secret stands in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: f"[secret {self._names[(match.lastindex or 1) - 1]}]", text)

    def binary(self, content: bytes) -> bytes:
        """The bytes without secrets."""
        return self.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def json(self, value: Json) -> Json:
        """The value without secrets in its keys, texts and numbers, and without halves of characters.

        JSON can escape a lone surrogate, which no UTF-8 can carry: it becomes U+FFFD, as in browsers.
        """
        if isinstance(value, str):
            return _SURROGATES.sub("\ufffd", self.text(value))
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {self.json(key): self.json(item) for key, item in value.items()}
        if isinstance(value, int | float) and self.finds(json.dumps(value)):
            return self.text(json.dumps(value))
        return value


def _forms(char: str) -> str:
    """A pattern of every way to write the character."""
    return f"(?:{'|'.join(map(re.escape, _written(char)))})"


def _length(char: str) -> int:
    return len(_written(char)[0])


def _written(char: str) -> list[str]:
    """The ways to write a character, the longest first."""
    if char.isascii() and char.isalnum():
        return [char]
    octets = char.encode("utf-8", "surrogateescape")
    code = ord(char)
    forms = {
        char,
        *("".join(f"%{octet:{case}}" for octet in octets) for case in ("02x", "02X")),
        json.dumps(char)[1:-1],
        f"\\u{code:04x}",
        f"\\u{code:04X}",
        f"\\{char}",
        html.escape(char),
        f"&#{code};",
        f"&#x{code:x};",
        f"&#x{code:X};",
    }
    if char == " ":
        forms.add("+")
    return sorted(forms, key=len, reverse=True)
