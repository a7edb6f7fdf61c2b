"""The network as it is: rude, slow, endless, or somebody else's."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib

import pytest

from device_agent.errors import ServerRefused, TransportError
from device_agent.exchange import HttpTransport, Request, Transport
from device_agent.exchange.servers import Servers
from tests.simulators.line import Reply, RudeServer, endless, sending, silent, trickling

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: W/7\r\n"


def answer(body: bytes, *headers: bytes) -> Reply:
    head = b"".join(header + b"\r\n" for header in (*headers, b"Content-Length: %d" % len(body)))
    return sending(OK + head + b"\r\n", body)


def ask(reply: Reply, most: int = 1000, transport: Transport | None = None) -> bytes:
    with RudeServer(reply) as server:
        return (transport or HttpTransport()).send(Request("GET", server.url + "/x"), most).body


def test_a_request_and_its_answer() -> None:
    with RudeServer(answer(b"hello")) as server:
        request = Request("POST", server.url + "/v1/path", {"Content-Type": "application/json"}, b'{"a":1}')
        response = HttpTransport().send(request, 1000)
    assert (response.status, response.body, response.headers["etag"]) == (200, b"hello", "W/7")
    (sent,) = server.requests
    assert sent.startswith(b"POST /v1/path HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in sent


def test_an_answer_of_exactly_the_limit_and_one_byte_more() -> None:
    assert ask(answer(b"x" * 1000)) == b"x" * 1000
    with pytest.raises(TransportError, match="longer than 1000"):
        ask(answer(b"x" * 1001))


def test_compressed_answers_count_by_what_they_hold() -> None:
    packed = b"Content-Encoding: gzip"
    assert ask(answer(gzip.compress(b"x" * 1000), packed)) == b"x" * 1000
    with pytest.raises(TransportError, match="longer than 1000"):
        ask(answer(gzip.compress(b"x" * 1001), packed))
    with pytest.raises(TransportError, match="longer than 1000"):
        ask(answer(gzip.compress(bytes(20_000_000)), packed))
    with pytest.raises(TransportError, match="ends early"):
        ask(answer(gzip.compress(b"x" * 1000)[:-9], packed))
    with pytest.raises(TransportError, match="encoding"):
        ask(answer(zlib.compress(b"x"), b"Content-Encoding: deflate"))


@pytest.mark.parametrize(
    "reply",
    [
        endless,
        sending(),
        sending(b"\x00\x01 not http\r\n\r\n"),
        sending(OK + b"Content-Length: 100\r\n\r\n", b"only this"),
        sending(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
        sending(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n"),
        sending(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_whatever_is_not_an_answer_is_a_transport_error(reply: Reply) -> None:
    with pytest.raises(TransportError) as caught:
        ask(reply)
    assert caught.value.code == "transport.failed"


def test_silence_ends() -> None:
    with pytest.raises(TransportError):
        ask(silent, transport=HttpTransport(silence=0.2))


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: ", OK + b"\r\n", OK + b"Content-Length: 999\r\n\r\n"])
def test_dripping_ends(head: bytes) -> None:
    with pytest.raises(TransportError):
        ask(trickling(head), transport=HttpTransport(whole=0.3))


def test_nobody_listens() -> None:
    with RudeServer(silent) as server:
        url = server.url
    with pytest.raises(TransportError):
        HttpTransport().send(Request("GET", url + "/x"), 1000)


@pytest.mark.parametrize("url", ["http://exporter.example/x", "http://10.0.0.1/x", "ftp://127.0.0.2x/x", "http:///x"])
def test_only_this_machine_itself_is_reached_without_https(url: str) -> None:
    with pytest.raises(TransportError, match="https"):
        HttpTransport().send(Request("GET", url), 1000)


@pytest.mark.parametrize("url", ["http://localhost:1/x", "http://127.9.9.9:1/x", "http://[::1]:1/x"])
def test_this_machine_itself_may_be(url: str) -> None:
    with pytest.raises(TransportError, match="No answer"):
        HttpTransport().send(Request("GET", url), 1000)


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": "a.b", "detail": "Use another token."}',
        b'{"code": "a.b\\n", "detail": "Use another \\u001b[31mtoken."}',
    ],
)
def test_a_servers_own_words_are_shown_without_what_is_not_text(body: bytes) -> None:
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n"
    with RudeServer(sending(head % len(body), body)) as server, pytest.raises(ServerRefused) as caught:
        Servers(HttpTransport(), (server.url,)).post(server.url, "/x", {})
    assert caught.value.code == "a.b"
    assert str(caught.value) in {"Use another token.", "Use another [31mtoken."}


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"code": 1, "detail": 2}', b"\xff"])
def test_a_problem_that_says_nothing(body: bytes) -> None:
    head = b"HTTP/1.1 500 Error\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n"
    with RudeServer(sending(head % len(body), body)) as server, pytest.raises(TransportError, match="500"):
        Servers(HttpTransport(), (server.url,)).post(server.url, "/x", {})


def test_not_modified_counts_only_where_it_was_asked_for() -> None:
    reply = sending(b"HTTP/1.1 304 Not Modified\r\nETag: W/7\r\n\r\n")
    with RudeServer(reply) as server:
        servers = Servers(HttpTransport(), (server.url,))
        assert servers.get_status_list(server.url, "/v1/status/1", "W/7") is None
        with pytest.raises(TransportError):
            servers.get_status_list(server.url, "/v1/status/1", "")


def test_a_manifest_without_servers() -> None:
    with pytest.raises(TransportError, match="names no server"):
        Servers(HttpTransport(), ()).first(lambda address: address)


def test_what_the_agent_imports_stays_light() -> None:
    code = (
        "import sys, device_agent.exchange, device_agent.trusted_state\n"
        "heavy = {'fastapi', 'sqlalchemy', 'numpy', 'shapely', 'tuf', 'urllib3', 'httpx', 'httpx2', 'requests',"
        " 'jsonschema_rs', 'typer', 'rich', 'pydantic', 'licensing_server'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
