"""Reads answers: bounded while they come, checked, and free of secrets."""

from __future__ import annotations

import base64
import codecs
import json
import re
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn, cast

import httpx

from activities.redaction import Redactor
from domain.errors import Code, ThreadloomError
from domain.http import HttpResult
from domain.values import MAX_DEPTH, Json, JsonObject, is_json

EXCERPT_BYTES = 2 * 1024
"""Of a refusing answer's body this much is told. With its headers it stays below what the server of
Temporal keeps of the failure of an attempt, 4 KiB."""

LONGEST_DELAY = timedelta(hours=1)
"""A server that asks for more is asked again after an hour."""

_HEADERS_TOLD = 1024
_UNTOLD = frozenset({"set-cookie", "set-cookie2"})
_JSON_TYPE = re.compile(r"[^/]+/(?:json|[^/]+\+json)")
_GZIP = 16 + zlib.MAX_WBITS
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf-7"})
"""Codecs of Python that no page is written in; some take quadratic time."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it came.

    Attributes:
        content: The body, decompressed.
        whole: False when it was cut at the limit.
    """

    status: int
    headers: httpx.Headers
    content: bytes
    whole: bool


async def receive(response: httpx.Response, limit: int) -> Received:
    """Read the answer's body, and no further than its limit in bytes.

    Raises:
        ThreadloomError: `HTTP_BAD_RESPONSE` when it cannot be decompressed.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise _bad_response(f"the answer is compressed as {encoding!r:.40}, which was not asked for")
    content = bytearray()
    inflater = zlib.decompressobj(_GZIP) if encoding.endswith("gzip") else None
    begun = False
    async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as chunks:
        async for received in chunks:
            chunk, begun = received, True
            # The client's own decompression has no bound: 64 KiB of it can become 64 MiB.
            while inflater is not None and chunk and len(content) <= limit:
                if inflater.eof:
                    inflater = zlib.decompressobj(_GZIP)
                try:
                    content += inflater.decompress(chunk, limit + 1 - len(content))
                except zlib.error:
                    raise _bad_response("the answer is called gzip and is not") from None
                chunk = inflater.unused_data
            if inflater is None:
                content += chunk
            if len(content) > limit:
                return Received(response.status_code, response.headers, bytes(content[:limit]), whole=False)
    if inflater is not None and begun and not inflater.eof:
        raise _bad_response("the answer ends before its gzip does")
    return Received(response.status_code, response.headers, bytes(content), whole=True)


def result_of(received: Received, redactor: Redactor) -> HttpResult:
    """The answer as the node's result.

    Raises:
        ThreadloomError: `HTTP_BAD_RESPONSE` when it is called JSON and is none.
    """
    body = _json(received.content) if _is_json(received.headers) else _text(received, redactor)
    return HttpResult(status=received.status, headers=_headers(received.headers, redactor), body=redactor.json(body))


def told(received: Received, redactor: Redactor) -> JsonObject:
    """The answer as a failure's details: {status, headers, body}, cut to what a failure may carry."""
    text = redactor.text(received.content.decode(_charset(received.headers), "replace"))
    if not received.whole:
        # It was cut somewhere, perhaps inside a secret.
        text = text[: -redactor.longest or None]
    headers: dict[str, str] = {}
    left = _HEADERS_TOLD
    for name, value in _headers(received.headers, redactor).items():
        left -= len(name) + len(value)
        if left >= 0:
            headers[name] = value
    excerpt = text.encode("utf-8", "replace")[:EXCERPT_BYTES].decode("utf-8", "ignore")
    return {"status": received.status, "headers": headers, "body": excerpt}


def retry_after(headers: httpx.Headers, now: datetime) -> timedelta | None:
    """How long the server asks to be left alone, at most `LONGEST_DELAY`; None when it does not say."""
    said = headers.get("retry-after", "").strip()
    try:
        wanted = timedelta(seconds=int(said[:9])) if said.isdecimal() else _instant(said) - now
    except ValueError:
        return None
    return min(max(wanted, timedelta()), LONGEST_DELAY)


def _instant(said: str) -> datetime:
    instant = parsedate_to_datetime(said)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _headers(headers: httpx.Headers, redactor: Redactor) -> dict[str, str]:
    return {redactor.text(name): redactor.text(value) for name, value in headers.items() if name not in _UNTOLD}


def _is_json(headers: httpx.Headers) -> bool:
    return _JSON_TYPE.fullmatch(headers.get("content-type", "").partition(";")[0].strip().lower()) is not None


def _json(content: bytes) -> Json:
    if not content:
        return None
    try:
        value = _encodable(json.loads(content, parse_constant=_refuse_constant))
    except (ValueError, RecursionError):
        raise _bad_response("the answer is called JSON and is not") from None
    if not is_json(value):
        raise _bad_response(f"the answer has a number beyond all bounds, or is nested deeper than {MAX_DEPTH}")
    return value


def _encodable(value: Json) -> Json:
    """The value with U+FFFD for half surrogate pairs, which an escape can name and nothing can store."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(name): _encodable(member) for name, member in value.items()}
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _text(received: Received, redactor: Redactor) -> Json:
    try:
        return received.content.decode(_charset(received.headers))
    except UnicodeError:
        return {"base64": base64.b64encode(redactor.binary(received.content)).decode("ascii")}


def _charset(headers: httpx.Headers) -> str:
    """The codec that the answer names, where it is one for text; else UTF-8."""
    named = re.search(r"""charset\s*=\s*["']?([\w.:+-]+)""", headers.get("content-type", ""), re.IGNORECASE)
    try:
        name = codecs.lookup(named[1]).name if named else "utf-8"
        b"\0\0\0\0".decode(name)
    except (LookupError, UnicodeError):
        return "utf-8"
    return "utf-8" if name in _NO_CHARSETS else name


def _bad_response(message: str) -> ThreadloomError:
    return ThreadloomError(Code.HTTP_BAD_RESPONSE, message)
