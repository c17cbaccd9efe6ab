"""The `http` node's request and its result, as they cross Temporal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import ConfigDict, Field

from domain.errors import Code, ThreadloomError
from domain.flow.model import HttpNode, Secret
from domain.messages import Internal
from domain.values import Json

HTTP_ACTIVITY = "threadloom.http"

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class HttpCall(Internal):
    """One request.

    Secrets stand apart from values: values come out of templates, so they may be what a stranger sent,
    and an object that only looks like a reference must not fetch a secret.

    Attributes:
        key: The execution's id; sent as `Idempotency-Key`.
        query: Added to the URL's own; a list repeats its name, null leaves it out.
        query_secrets: More of the query, by reference.
        headers: Null leaves one out.
        header_secrets: More headers, by reference.
        json_: What is sent as JSON; null sends nothing.
        body: What is sent as text; null sends nothing.
        max_bytes: The longest body of an answer, decompressed.
        statuses: On these the request is worth another attempt.
        timeout_seconds: For the whole exchange, redirects included.
    """

    model_config = ConfigDict(populate_by_name=True)

    key: str
    url: str
    method: Method
    query: dict[str, Any]
    query_secrets: dict[str, Secret]
    headers: dict[str, Any]
    header_secrets: dict[str, Secret]
    json_: Any = Field(default=None, alias="json")
    body: Any = None
    max_bytes: int
    statuses: list[int]
    timeout_seconds: float


class HttpResult(Internal):
    """The answer, free of the request's secrets.

    Attributes:
        headers: Names in lower case; those that stand several times are joined by commas.
        body: What the JSON says, or text, or `{"base64": …}` of bytes that are neither; null for an
            empty answer that is called JSON.
    """

    status: int
    headers: dict[str, str]
    body: Any


def http_call(node: HttpNode, *, key: str, render: Callable[[Json], Json]) -> HttpCall:
    """The node's request with its templates rendered.

    Args:
        node: The node.
        key: The execution's id.
        render: Gives a template's value in the node's scope.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR`.
    """
    url = render(node.url)
    if not isinstance(url, str):
        raise ThreadloomError(Code.EXPRESSION_ERROR, f"`url` gave {url!r:.80}, which is no text")
    return HttpCall(
        key=key,
        url=url,
        method=node.method,
        query={name: render(value) for name, value in node.query.items() if not isinstance(value, Secret)},
        query_secrets={name: value for name, value in node.query.items() if isinstance(value, Secret)},
        headers={name: render(value) for name, value in node.headers.items() if not isinstance(value, Secret)},
        header_secrets={name: value for name, value in node.headers.items() if isinstance(value, Secret)},
        json_=render(node.json_),
        body=render(node.body),
        max_bytes=node.max_bytes,
        statuses=node.retry.statuses,
        timeout_seconds=node.start_to_close.total_seconds(),
    )
