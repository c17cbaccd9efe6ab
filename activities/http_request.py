"""Makes the request of an `http` node, and the ones that its redirects ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import httpx

from domain.errors import Code, ThreadloomError
from domain.http import HttpCall
from domain.values import Json, is_json

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_THE_CLIENT = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
"""Headers that say how a message is carried: wrong ones would let a server read two requests in one."""

_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")


def bad_request(message: str) -> ThreadloomError:
    """The refusal of a request that cannot be sent."""
    return ThreadloomError(Code.HTTP_BAD_REQUEST, message)


def build_request(client: httpx.AsyncClient, call: HttpCall, secrets: Mapping[str, str]) -> httpx.Request:
    """The call as a request of this client.

    Args:
        client: Whose defaults it takes.
        call: What to send.
        secrets: Value by name of every secret that the call refers to.

    Raises:
        ThreadloomError: `HTTP_BAD_REQUEST`, with no value of a header or of the query in it.
    """
    headers, content = _headers(call, secrets), _content(call)
    given = {name.lower() for name, _ in headers}
    defaults = {"accept-encoding": "gzip"}  # What `read_body` unpacks.
    if content is not None:
        defaults["content-type"] = "text/plain; charset=utf-8" if call.json_ is None else "application/json"
    if call.method not in _READING:
        defaults["idempotency-key"] = call.key
    headers += [(name, value) for name, value in defaults.items() if name not in given]
    encoded = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers]
    return client.build_request(call.method, _url(call, secrets), headers=encoded, content=content)


def origin(url: httpx.URL) -> str:
    """Scheme, host and port: what messages may say of a URL."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def leaves(before: httpx.URL, after: httpx.URL) -> bool:
    """Whether the second URL belongs to somebody else; the same host by TLS does not."""
    secured = (before.scheme, before.port, after.scheme, after.port) == ("http", None, "https", None)
    return before.host != after.host or not (secured or (before.scheme, before.port) == (after.scheme, after.port))


def without_credentials(request: httpx.Request, call: HttpCall) -> httpx.Request:
    """The request without what was meant for the first host alone."""
    for name in (*call.header_secrets, *_CREDENTIALS):
        request.headers.pop(name, None)
    return request


def check_url(url: httpx.URL) -> None:
    """Refuse what cannot be asked by HTTP.

    Raises:
        ThreadloomError: `HTTP_BAD_REQUEST`.
    """
    try:
        absolute = url.scheme in ("http", "https") and url.host != ""
    except ValueError:
        absolute = False  # its host breaks the rules of international names
    if not absolute:
        raise bad_request("`url` must be an absolute http or https URL")
    if url.port is not None and not 0 < url.port < 65_536:
        raise bad_request(f"`url` has port {url.port}, and there is none")
    if url.userinfo:
        raise bad_request("`url` holds credentials; send them as a header, by reference to a secret")


def _url(call: HttpCall, secrets: Mapping[str, str]) -> httpx.URL:
    try:
        url = httpx.URL(call.url)
    except (httpx.InvalidURL, ValueError) as error:
        raise bad_request(f"`url` is none: {error}") from None
    check_url(url)
    pairs = [(name, text) for name, value in call.query.items() for text in _texts(f"query {name!r}", value)]
    pairs += [(name, secret.prefix + secrets[secret.secret]) for name, secret in call.query_secrets.items()]
    added = urlencode(pairs, errors="surrogateescape")
    query = "&".join(part for part in (url.query.decode("ascii"), added) if part)
    try:
        return url.copy_with(query=query.encode("ascii")) if added else url
    except (httpx.InvalidURL, ValueError):
        raise bad_request("`query` makes the URL too long") from None


def _headers(call: HttpCall, secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    headers = [(name, text) for name, value in call.headers.items() for text in _one(f"header {name!r}", value)]
    headers += [(name, secret.prefix + secrets[secret.secret]) for name, secret in call.header_secrets.items()]
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OF_THE_CLIENT:
            raise bad_request(f"a request cannot be given the header {name!r:.80}")
        if _CONTROL.search(value):
            raise bad_request(f"header {name!r:.80} has a line break or another control character in it")
    return [(name, value.strip()) for name, value in headers]


def _content(call: HttpCall) -> bytes | None:
    if call.json_ is not None:
        if not is_json(call.json_):
            raise bad_request("`json` is no JSON: it has a number beyond all bounds, or is nested too deep")
        return json.dumps(call.json_, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    for text in _one("`body`", call.body):
        return text.encode("utf-8", "replace")
    return None


def _texts(what: str, value: Json) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        yield from _one(what, item)


def _one(what: str, value: Json) -> Iterator[str]:
    """A scalar as text, nothing for null."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool | int | float):
        yield json.dumps(value)
    elif value is not None:
        raise bad_request(f"{what:.120} is no text, number or boolean")
