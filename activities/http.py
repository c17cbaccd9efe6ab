"""Sends the requests of `http` nodes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import as_failure
from activities.http_request import bad_request, build_request, check_url, leaves, origin, without_credentials
from activities.http_response import Received, receive, result_of, retry_after, told
from activities.redaction import Redactor
from domain.errors import Code, ThreadloomError
from domain.http import HTTP_ACTIVITY, HttpCall, HttpResult
from domain.ports import Secrets

MAX_REDIRECTS = 5
REFUSAL_BYTES = 64 * 1024
"""How far the body of a refusing answer is read: enough to tell its beginning."""

_in_call: ContextVar[bool] = ContextVar("in_http_call", default=False)


class HttpActivities:
    """The activity behind `http` nodes, with one pool of connections, made when first used.

    Args:
        secrets: Where references are resolved: here and nowhere before, so no history holds a value.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._client: httpx.AsyncClient | None = None

    @activity.defn(name=HTTP_ACTIVITY)
    async def request(self, input: HttpCall) -> HttpResult:
        """Send one request and read its answer.

        A failure is worth another attempt when the server cannot be reached or is late, or answers
        with one of the call's statuses; then `Retry-After` says when. Any other status of 400 and
        above fails for good, as `HTTP_<status>`.
        """
        with as_failure(), _unlogged():
            values = await self._resolved(input)
            redactor = Redactor(values)
            request = build_request(self._open(), input, values)
            received = await self._sent(request, input, redactor)
            # Off the loop: reading a megabyte of JSON would hold up everything else in this worker.
            return await asyncio.to_thread(_outcome, input, received, redactor)

    async def close(self) -> None:
        """Close all connections. Another request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            _filter_logs()
            self._client = httpx.AsyncClient(
                # Time and number are bounded by the call and by the worker's slots.
                timeout=None,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                headers={"User-Agent": "threadloom"},
                # What one thread is given as a cookie is not for the next.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._client

    async def _resolved(self, call: HttpCall) -> dict[str, str]:
        values: dict[str, str] = {}
        for reference in (*call.query_secrets.values(), *call.header_secrets.values()):
            name = reference.secret
            value = await self._secrets.get(name)
            if not value:
                raise ThreadloomError(Code.SECRET_UNKNOWN, f"this worker has no secret {name}", {"secret": name})
            values[name] = value
        return values

    async def _sent(self, request: httpx.Request, call: HttpCall, redactor: Redactor) -> Received:
        """The last answer, after redirects."""
        whom = f"{call.method} {origin(request.url)}"
        try:
            async with asyncio.timeout(call.timeout_seconds):
                return await self._followed(request, call, redactor)
        # Without causes: the texts of the client's errors may quote what was sent.
        except TimeoutError:
            message = f"{whom} did not end within {call.timeout_seconds:g} s"
            raise ThreadloomError(Code.HTTP_TIMEOUT, message) from None
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError, OverflowError):
            raise bad_request(f"{whom} cannot be sent: its URL, a header or a redirect breaks the protocol") from None
        except httpx.TransportError as error:
            reason = redactor.text(str(error)) if isinstance(error, httpx.ConnectError) else type(error).__name__
            raise ThreadloomError(Code.HTTP_UNREACHABLE, f"{whom} failed: {reason}") from None

    async def _followed(self, request: httpx.Request, call: HttpCall, redactor: Redactor) -> Received:
        redirects = 0
        while True:
            response = await self._open().send(request, stream=True)
            try:
                if response.is_error or response.status_code in call.statuses:
                    return await _refusal(response)
                following = response.next_request
                if following is None:
                    return await receive(response, call.max_bytes)
                if redirects == MAX_REDIRECTS:
                    raise _unfollowed(response, redactor, f"redirects more than {MAX_REDIRECTS} times")
                request = _next(request, response, following, call, redactor)
                redirects += 1
            finally:
                await response.aclose()


def _next(
    request: httpx.Request, response: httpx.Response, following: httpx.Request, call: HttpCall, redactor: Redactor
) -> httpx.Request:
    try:
        check_url(following.url)
    except ThreadloomError:
        raise _unfollowed(response, redactor, "redirects to what is no http or https URL") from None
    if not leaves(request.url, following.url):
        return following
    if redactor.finds(str(following.url)):
        raise _unfollowed(response, redactor, "redirects to another host with a secret in the URL")
    return without_credentials(following, call)


async def _refusal(response: httpx.Response) -> Received:
    """The refusing answer, without its body when that cannot be unpacked: the status is what counts."""
    try:
        return await receive(response, REFUSAL_BYTES)
    except ThreadloomError:
        return Received(response.status_code, response.headers, b"", whole=True)


def _outcome(call: HttpCall, received: Received, redactor: Redactor) -> HttpResult:
    status = received.status
    again = status in call.statuses
    if again or status >= 400:
        raise ApplicationError(
            f"{call.method} was answered with status {status}",
            told(received, redactor),
            type=f"HTTP_{status}",
            non_retryable=not again,
            next_retry_delay=retry_after(received.headers, datetime.now(UTC)) if again else None,
        )
    if not received.whole:
        message = f"the answer is longer than {call.max_bytes} bytes"
        raise ThreadloomError(Code.HTTP_TOO_LARGE, message, {"status": status, "max_bytes": call.max_bytes})
    return result_of(received, redactor)


def _unfollowed(response: httpx.Response, redactor: Redactor, why: str) -> ApplicationError:
    status = response.status_code
    details = told(Received(status, response.headers, b"", whole=True), redactor)
    return ApplicationError(f"the server {why}", details, type=f"HTTP_{status}", non_retryable=True)


@contextmanager
def _unlogged() -> Iterator[None]:
    token = _in_call.set(True)
    try:
        yield
    finally:
        _in_call.reset(token)


def _filter_logs() -> None:
    """Keep our requests out of the HTTP client's log, which tells URLs and headers, secrets included.

    Others in this process who use the same client keep theirs.
    """
    names = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
    for name in names:
        logging.getLogger(name).addFilter(_outside_our_calls)


def _outside_our_calls(record: logging.LogRecord) -> bool:
    return not _in_call.get()
