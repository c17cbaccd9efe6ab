"""What a flow gets from an `http` node, against a real server."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DefaultFailureConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.http import MAX_REDIRECTS, HttpActivities
from activities.http_response import EXCERPT_BYTES, LONGEST_DELAY
from domain.errors import MESSAGE_LIMIT
from domain.flow.model import HttpNode
from domain.http import HttpCall, http_call
from tests.unit.activities.web import Request, Web, answer, running

TOKEN = 's3cr:t/"+ü &<9😀'
SECRETS = {"TOKEN": TOKEN, "PIN": "48151623", "EMPTY": "", "BROKEN": "one\ntwo", "LONG": "l0ng" * 1000}


class Kept:
    """Secrets in memory."""

    async def get(self, name: str) -> str | None:
        return SECRETS.get(name)


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with running() as server:
        yield server


@pytest.fixture
async def activities() -> AsyncIterator[HttpActivities]:
    activities = HttpActivities(Kept())
    yield activities
    await activities.close()


class Sender:
    """Sends what a node says, through the payloads that a history would hold."""

    def __init__(self, activities: HttpActivities) -> None:
        self._activities = activities
        self._converter = PydanticPayloadConverter()
        self.history = b""

    async def __call__(self, url: str, **fields: Any) -> dict[str, Any]:
        node = HttpNode.model_validate({"kind": "http", "url": url, "next": [{"to": "next"}], **fields})
        call = http_call(node, key="thread/call/1", render=lambda template: template)
        payloads = self._converter.to_payloads([call])
        [read] = self._converter.from_payloads(payloads, [HttpCall])
        assert read == call
        self.history += payloads[0].data
        try:
            result = await ActivityEnvironment().run(self._activities.request, read)
        except ApplicationError as error:
            failure = Failure()
            DefaultFailureConverter().to_failure(error, self._converter, failure)
            self.history += failure.SerializeToString()
            raise
        payload = self._converter.to_payloads([result])[0]
        self.history += payload.data
        return dict(json.loads(payload.data))

    async def refused(self, url: str, **fields: Any) -> ApplicationError:
        with pytest.raises(ApplicationError) as caught:
            await self(url, **fields)
        assert len(caught.value.message) <= MESSAGE_LIMIT
        return caught.value


@pytest.fixture
def send(activities: HttpActivities) -> Sender:
    return Sender(activities)


async def test_json_is_read(web: Web, send: Sender) -> None:
    web.says("/", 201, b'{"a": [1, 2.5, null, "\xc3\xa9"]}', Content_Type="application/json", X_Cost="3")
    result = await send(web.url("/"))
    assert (result["status"], result["body"]) == (201, {"a": [1, 2.5, None, "é"]})
    assert result["headers"]["x-cost"] == "3"


@pytest.mark.parametrize(
    ("content", "type", "body"),
    [
        ("grüße".encode(), "text/plain", "grüße"),
        ("grüße".encode("latin-1"), "text/plain; charset=ISO-8859-1", "grüße"),
        (b"plain", "text/plain; charset=base64", "plain"),
        (b"plain", "text/plain; charset=punycode", "plain"),
        (b"\x89PNG\xff", "image/png", {"base64": "iVBOR/8="}),
        (b"", "text/html", ""),
        (b"", "application/json", None),
        (b'{"problem": 1}', "application/problem+json; charset=utf-8", {"problem": 1}),
        (b'"\\ud83d\\ude00 \\ud83d"', "application/json", "😀 \ufffd"),
        (b"{}\n{}\n", "application/x-ndjson", "{}\n{}\n"),
    ],
)
async def test_a_body_is_json_text_or_bytes(web: Web, send: Sender, content: bytes, type: str, body: object) -> None:
    web.says("/", 200, content, Content_Type=type)
    assert (await send(web.url("/")))["body"] == body


@pytest.mark.parametrize(
    "content", [b"{", b"[NaN]", b"[Infinity]", b"[1e999]", b"\xff", b"[" * 200 + b"]" * 200, b"[" * 100_000]
)
async def test_what_is_called_json_and_is_none_is_refused(web: Web, send: Sender, content: bytes) -> None:
    web.says("/", 200, content, Content_Type="application/json")
    error = await send.refused(web.url("/"))
    assert (error.type, error.non_retryable) == ("HTTP_BAD_RESPONSE", True)


async def test_a_request_says_what_the_node_says(web: Web, send: Sender) -> None:
    web.says("/a%20b")
    url = web.url("/a b?x=%2F")
    headers = {"X-Number": "{{ n }}", "X-Plain": "é", "content-type": "application/vnd.api+json"}
    await send(url, method="PUT", query={"q": "ä&b", "l": [1, True], "none": None}, headers=headers, json={"k": "ü"})
    [seen] = web.seen
    assert (seen.method, seen.target) == ("PUT", "/a%20b?x=%2F&q=%C3%A4%26b&l=1&l=true")
    assert seen.body == '{"k":"ü"}'.encode()
    assert (seen.headers["content-type"], seen.headers["x-plain"]) == ("application/vnd.api+json", "é")


async def test_a_text_is_sent_as_text(web: Web, send: Sender) -> None:
    web.says("/")
    await send(web.url("/"), method="POST", body="grüße")
    assert web.seen[0].body == "grüße".encode()
    assert web.seen[0].headers["content-type"] == "text/plain; charset=utf-8"


async def test_what_changes_something_carries_the_execution_as_idempotency_key(web: Web, send: Sender) -> None:
    web.says("/")
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE"):
        await send(web.url("/"), method=method)
    await send(web.url("/"), method="POST", headers={"idempotency-key": "mine"})
    keys = [request.headers.get("idempotency-key") for request in web.seen]
    assert keys == [None, None, None, "thread/call/1", "thread/call/1", "thread/call/1", "mine"]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://127.0.0.1/"},
        {"url": "file:///etc/passwd"},
        {"url": "/relative"},
        {"url": "http://"},
        {"url": "http://127.0.0.1:99999/"},
        {"url": "http://127.0.0.1:port/"},
        {"url": "http://xn--/"},
        {"url": "http://user:password@127.0.0.1/"},
        {"url": "http://127.0.0.1/\n"},
        {"query": {"q": {"deep": 1}}},
        {"query": {"q": {"secret": "no name"}}},
        {"query": {"q": "x" * 70_000}},
        {"headers": {"bad name": "x"}},
        {"headers": {"X-A": "one\r\nX-B: two"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"method": "POST", "body": {"no": "text"}},
        {"headers": {"X-A": {"secret": "BROKEN"}}},
    ],
)
async def test_what_makes_no_request_is_refused(web: Web, send: Sender, fields: dict[str, Any]) -> None:
    error = await send.refused(**{"url": web.url("/"), **fields})
    assert (error.type, error.non_retryable) == ("HTTP_BAD_REQUEST", True)
    assert web.seen == []


async def test_a_number_that_json_does_not_have_is_not_sent(web: Web, activities: HttpActivities) -> None:
    node = HttpNode.model_validate({"kind": "http", "url": web.url("/"), "method": "POST", "next": [{"to": "next"}]})
    call = http_call(node, key="k", render=lambda template: template).model_copy(update={"json_": [float("nan")]})
    with pytest.raises(ApplicationError, match="`json` is no JSON"):
        await ActivityEnvironment().run(activities.request, call)
    assert web.seen == []


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500, 501])
async def test_a_refusing_status_fails_for_good(web: Web, send: Sender, status: int) -> None:
    web.says("/", status, b"<" * 100_000, Content_Type="text/html", X_Request_Id="r-1")
    error = await send.refused(web.url("/"))
    assert (error.type, error.non_retryable) == (f"HTTP_{status}", True)
    [details] = error.details
    assert (details["status"], details["body"]) == (status, "<" * EXCERPT_BYTES)
    assert details["headers"]["x-request-id"] == "r-1"


async def test_a_failure_stays_below_what_temporal_keeps_of_an_attempt(web: Web, send: Sender) -> None:
    web.says("/", 500, b"x" * 100_000, **{f"X_Long_{number}": "y" * 400 for number in range(100)})
    await send.refused(web.url("/"))
    details = send.history[send.history.index(b'{"status":500') :]
    assert len(details) < 4_096


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_passing_status_is_tried_again(web: Web, send: Sender, status: int) -> None:
    web.says("/", status, b'{"why": "busy"}', Content_Type="application/json")
    error = await send.refused(web.url("/"))
    assert (error.type, error.non_retryable, error.next_retry_delay) == (f"HTTP_{status}", False, None)
    assert error.details[0]["body"] == '{"why": "busy"}'


async def test_the_node_says_which_statuses_are_tried_again(web: Web, send: Sender) -> None:
    web.says("/accepted", 202)
    web.says("/moved", 302, Location="/elsewhere")
    web.says("/busy", 503)
    retry = {"statuses": [202, 302]}
    assert not (await send.refused(web.url("/accepted"), retry=retry)).non_retryable
    assert not (await send.refused(web.url("/moved"), retry=retry)).non_retryable
    assert (await send.refused(web.url("/busy"), retry=retry)).non_retryable


@pytest.mark.parametrize(
    ("said", "delay"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta()),
        ("999999999999", LONGEST_DELAY),
        (format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True), LONGEST_DELAY),
        (format_datetime(datetime.now(UTC) - timedelta(days=2), usegmt=True), timedelta()),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
    ],
)
async def test_a_server_says_when_to_come_back(web: Web, send: Sender, said: str, delay: timedelta | None) -> None:
    web.says("/", 429, Retry_After=said)
    assert (await send.refused(web.url("/"))).next_retry_delay == delay


async def test_nobody_there_is_tried_again(web: Web, send: Sender) -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def break_off(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, b"x" * 100)[:-50])

    web.answers |= {"/hangs-up": hang_up, "/breaks-off": break_off, "/nonsense": b"nonsense\r\n\r\n"}
    port_of_nobody = await _free_port()
    for url in (*map(web.url, web.answers), f"http://127.0.0.1:{port_of_nobody}/", "http://no-such-host.invalid/"):
        error = await send.refused(url)
        assert (error.type, error.non_retryable) == ("HTTP_UNREACHABLE", False), url


@pytest.mark.parametrize("begun", [b"", answer(200, b"x" * 100)[:-50]])
async def test_a_server_that_does_not_finish_is_not_waited_for(web: Web, send: Sender, begun: bytes) -> None:
    over = asyncio.Event()

    async def stall(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        await writer.drain()
        await over.wait()

    web.answers["/"] = stall
    error = await send.refused(web.url("/"), start_to_close="200ms")
    over.set()
    assert (error.type, error.non_retryable) == ("HTTP_TIMEOUT", False)
    assert "0.2 s" in error.message


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_may_be_as_long_as_the_node_allows(web: Web, send: Sender, packed: bool) -> None:
    pack = gzip.compress if packed else bytes
    headers = {"Content_Encoding": "gzip"} if packed else {}
    web.says("/fits", 200, pack(b"x" * 1000), **headers)
    web.says("/exceeds", 200, pack(b"x" * 1001), **headers)
    assert (await send(web.url("/fits"), max_bytes=1000))["body"] == "x" * 1000
    error = await send.refused(web.url("/exceeds"), max_bytes=1000)
    assert (error.type, error.non_retryable) == ("HTTP_TOO_LARGE", True)


async def test_an_endless_answer_is_not_read_to_its_end(web: Web, send: Sender) -> None:
    broken = asyncio.Event()

    async def pour(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            broken.set()

    web.answers["/"] = pour
    assert (await send.refused(web.url("/"))).type == "HTTP_TOO_LARGE"
    async with asyncio.timeout(30):
        await broken.wait()


async def test_a_gzip_bomb_takes_no_more_memory_than_the_node_allows(web: Web, send: Sender) -> None:
    import tracemalloc

    web.says("/", 200, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    tracemalloc.start()
    error = await send.refused(web.url("/"), max_bytes=10_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.type == "HTTP_TOO_LARGE"
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"plain", "gzip"), (gzip.compress(b"x" * 100)[:-6], "gzip"), (b"...", "br"), (b"...", "gzip, gzip")],
)
async def test_an_answer_that_cannot_be_unpacked_is_refused(
    web: Web, send: Sender, content: bytes, encoding: str
) -> None:
    web.says("/", 200, content, Content_Encoding=encoding)
    assert (await send.refused(web.url("/"))).type == "HTTP_BAD_RESPONSE"


async def test_a_refusal_counts_even_if_its_text_cannot_be_unpacked(web: Web, send: Sender) -> None:
    web.says("/", 503, b"...", Content_Encoding="br")
    error = await send.refused(web.url("/"))
    assert (error.type, error.non_retryable, error.details[0]["body"]) == ("HTTP_503", False, "")


async def test_gzip_in_several_members_is_one_text(web: Web, send: Sender) -> None:
    web.says("/", 200, gzip.compress(b"one ") + gzip.compress(b"two"), Content_Encoding="gzip")
    assert (await send(web.url("/")))["body"] == "one two"


async def test_a_head_request_has_no_body_whatever_its_headers_say(web: Web, send: Sender) -> None:
    web.answers["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nContent-Encoding: gzip\r\n\r\n"
    result = await send(web.url("/"), method="HEAD")
    assert (result["body"], result["headers"]["content-length"]) == ("", "99999999")


async def test_cookies_of_one_request_are_not_sent_with_the_next(web: Web, send: Sender) -> None:
    web.says("/", 200, Set_Cookie="session=abc; Path=/")
    results = [await send(web.url("/")), await send(web.url("/"))]
    assert [request.headers.get("cookie") for request in web.seen] == [None, None]
    assert [result["headers"].get("set-cookie") for result in results] == [None, None]


async def test_a_closed_client_opens_again(web: Web, send: Sender, activities: HttpActivities) -> None:
    web.says("/")
    await send(web.url("/"))
    await activities.close()
    await activities.close()
    assert (await send(web.url("/")))["status"] == 200


async def test_redirects_are_followed_and_credentials_stay_with_their_host(web: Web, send: Sender) -> None:
    web.says("/start", 302, Location="/same?x=1")
    web.says("/same", 307, Location=web.url("/other", host="localhost"))
    web.says("/other", 302, Location=web.url("/back"))
    web.says("/back", 200, b"there")
    headers = {"Authorization": "Bearer plain", "X-Api-Key": {"secret": "TOKEN"}, "X-Mine": "kept"}
    assert (await send(web.url("/start"), headers=headers))["body"] == "there"
    sent = [[request.headers.get(name) for name in ("authorization", "x-api-key", "x-mine")] for request in web.seen]
    assert sent == [["Bearer plain", TOKEN, "kept"]] * 2 + [[None, None, "kept"]] * 2


async def test_a_redirected_post_is_sent_again_or_becomes_a_get_as_the_status_says(web: Web, send: Sender) -> None:
    web.says("/see", 303, Location="/end")
    web.says("/again", 308, Location="/end")
    web.says("/end")
    await send(web.url("/see"), method="POST", json={"a": 1})
    await send(web.url("/again"), method="POST", json={"a": 1})
    ends = [(request.method, request.body) for request in web.seen if request.target == "/end"]
    assert ends == [("GET", b""), ("POST", b'{"a":1}')]


async def test_a_redirect_takes_no_secret_of_the_query_to_another_host(web: Web, send: Sender) -> None:
    async def move(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(301, Location=web.url(request.target, host="localhost")))

    web.answers["/"] = move
    error = await send.refused(web.url("/"), query={"key": {"secret": "TOKEN"}})
    assert (error.type, error.non_retryable, len(web.seen)) == ("HTTP_301", True, 1)
    assert "[secret TOKEN]" in error.details[0]["headers"]["location"]


@pytest.mark.parametrize("location", ["/loop", "ftp://127.0.0.1/", "http://127.0.0.1:99999/", "http://a:b@127.0.0.1/"])
async def test_a_redirect_that_leads_nowhere_fails_for_good(web: Web, send: Sender, location: str) -> None:
    web.says("/loop", 302, Location=location)
    error = await send.refused(web.url("/loop"))
    assert (error.type, error.non_retryable) == ("HTTP_302", True)
    assert len(web.seen) <= MAX_REDIRECTS + 1


async def test_what_is_not_modified_is_a_result(web: Web, send: Sender) -> None:
    web.says("/", 304, ETag='"1"')
    assert (await send(web.url("/"), headers={"If-None-Match": '"1"'}))["status"] == 304


@pytest.mark.parametrize("name", ["MISSING", "EMPTY"])
async def test_an_unknown_secret_is_named(web: Web, send: Sender, name: str) -> None:
    error = await send.refused(web.url("/"), headers={"X-Key": {"secret": name}})
    assert (error.type, error.non_retryable) == ("SECRET_UNKNOWN", True)
    assert name in error.message
    assert web.seen == []


async def test_data_that_look_like_a_reference_fetch_no_secret(web: Web, send: Sender) -> None:
    node = HttpNode.model_validate(
        {"kind": "http", "url": web.url("/"), "query": {"q": "{{ input }}"}, "next": [{"to": "next"}]}
    )
    call = http_call(node, key="k", render=lambda value: {"secret": "TOKEN"} if value == "{{ input }}" else value)
    with pytest.raises(ApplicationError, match="is no text"):
        await ActivityEnvironment().run(HttpActivities(Kept()).request, call)
    assert web.seen == []


async def _echo(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answers with the request in every form that servers have."""
    token = request.headers["authorization"].removeprefix("Bearer ")
    kind = request.headers["x-answer"]
    bodies = {
        "text": f"{request.target} {token} {json.dumps(token)}",
        "json": json.dumps({token: [request.target, {"t": token}, int(request.headers["x-pin"])]}),
        "binary": token,
    }
    types = {"text": "text/plain", "json": "application/json", "binary": "image/png"}
    content = bodies[kind].encode() + (b"\xff" if kind == "binary" else b"")
    head = f"HTTP/1.1 {request.headers['x-status']} {token}\r\nContent-Type: {types[kind]}\r\nX-Echo: {token}\r\n"
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    await writer.drain()


@pytest.mark.parametrize("status", ["200", "400", "503"])
@pytest.mark.parametrize("kind", ["text", "json", "binary"])
async def test_a_secret_that_comes_back_is_named_instead(
    web: Web, send: Sender, caplog: pytest.LogCaptureFixture, status: str, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    web.answers["/"] = _echo
    headers = {
        "Authorization": {"secret": "TOKEN", "prefix": "Bearer "},
        "X-Pin": {"secret": "PIN"},
        "X-Status": status,
        "X-Answer": kind,
    }
    query = {"key": {"secret": "TOKEN"}}
    if status == "200":
        told = await send(web.url("/"), headers=headers, query=query)
    else:
        told = (await send.refused(web.url("/"), headers=headers, query=query)).details[0]
    assert web.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert told["headers"]["x-echo"] == "[secret TOKEN]"
    if (status, kind) == ("200", "json"):
        assert told["body"] == {"[secret TOKEN]": ["/?key=[secret TOKEN]", {"t": "[secret TOKEN]"}, "[secret PIN]"]}
    if kind == "text":
        assert told["body"] == '/?key=[secret TOKEN] [secret TOKEN] "[secret TOKEN]"'
    for written in (send.history, caplog.text.encode()):
        assert b"s3cr" not in written
        assert b"48151623" not in written


async def test_a_secret_at_the_edge_of_what_is_read_is_not_told_in_part(web: Web, send: Sender) -> None:
    web.says("/", 500, SECRETS["LONG"].encode() * 20)
    error = await send.refused(web.url("/"), headers={"X-Long": {"secret": "LONG"}})
    assert error.type == "HTTP_500"
    assert b"l0ng" not in send.history


@pytest.mark.parametrize("port_open", [True, False])
async def test_no_error_tells_what_was_sent(web: Web, send: Sender, port_open: bool) -> None:
    web.answers["/"] = b"HTTP/1.1 " + TOKEN.encode() + b"\r\n\r\n"
    url = web.url("/") if port_open else f"http://127.0.0.1:{await _free_port()}/"
    fields = {"headers": {"X-Key": {"secret": "TOKEN"}}, "query": {"key": {"secret": "TOKEN"}}}
    error = await send.refused(url, **fields)
    assert error.type == "HTTP_UNREACHABLE"
    assert b"s3cr" not in send.history


async def _free_port() -> int:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
