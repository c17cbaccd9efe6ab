"""Filters between values and the texts that stand for them: JSON, Base64, digests, parts of addresses."""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.utils import url_quote

from domain.flow.language.arguments import mapping, text
from domain.flow.language.budget import CHARACTERS, spend
from domain.flow.language.values import bounded, compact_json, plain, present, text_of
from domain.values import Json

_DIGESTS = ("sha256", "sha512")


def to_json(value: Any) -> str:
    """Compact JSON text."""
    return compact_json(plain(present(value)))


def from_json(value: Any) -> Json:
    """The value that a JSON text describes."""
    source = text("from_json", value)
    spend(len(source) // 20)
    try:
        return plain(json.loads(source))
    except json.JSONDecodeError as error:
        raise ValueError(f"`from_json` finds no JSON: {error}") from None


def base64_encoded(value: Any) -> str:
    """The text's UTF-8 bytes in Base64."""
    source = text("b64encode", value)
    bounded(len(source) * 4)
    return b64encode(source.encode()).decode()


def base64_decoded(value: Any) -> str:
    """The text whose UTF-8 bytes the Base64 text holds."""
    try:
        return b64decode(text("b64decode", value), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ValueError("`b64decode` finds no text in Base64") from None


def digest(value: Any, algorithm: Any = "sha256") -> str:
    """The digest of the text's UTF-8 bytes, in hex: `sha256` or `sha512`."""
    if algorithm not in _DIGESTS:
        raise ValueError(f"`hash` knows {' and '.join(_DIGESTS)}")
    return hashlib.new(algorithm, text("hash", value).encode()).hexdigest()


def url_encoded(value: Any) -> str:
    """The text as a part of a path, with `/` as it is; of an object, its keys and values as a query."""
    if isinstance(present(value), Mapping):
        given = {key: text_of(present(member)) for key, member in mapping("urlencode", value).items()}
        size = sum(len(key) + len(member) for key, member in given.items())
        _spend_on_quoting(size)
        return "&".join(f"{url_quote(key, for_qs=True)}={url_quote(item, for_qs=True)}" for key, item in given.items())
    source = text("urlencode", value)
    _spend_on_quoting(len(source))
    return url_quote(source)


def _spend_on_quoting(characters: int) -> None:
    bounded(characters * 12)
    spend(characters * 10 // CHARACTERS)


CODEC_FILTERS: Mapping[str, Callable[..., Any]] = {
    "tojson": to_json,
    "to_json": to_json,
    "fromjson": from_json,
    "from_json": from_json,
    "b64encode": base64_encoded,
    "b64decode": base64_decoded,
    "hash": digest,
    "urlencode": url_encoded,
}
