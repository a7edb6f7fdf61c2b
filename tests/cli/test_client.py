"""The client against a network that fails: a request is repeated with its key, and never doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from licensing_server.cli.client import Client
from licensing_server.cli.exits import Refused, Unreachable
from tests.cli.command_line import Staff

Received = list[tuple[str, str | None]]
Step = tuple[int, str, dict[str, str]]


class Flaky(BaseHTTPRequestHandler):
    """Answers as it is told: a status, or ``0`` to hang up once the request has arrived."""

    received: Received
    script: Iterator[Step]

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.received.append((self.command, self.headers.get("idempotency-key")))
        status, body, headers = next(self.script)
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(body)),
        }.items() | headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def server(*script: Step) -> Iterator[tuple[Client, Received]]:
    """A client of a server that follows a script."""
    received: Received = []
    answers = {f"do_{method}": Flaky.answer for method in ("GET", "POST", "PUT", "DELETE")}
    handler = type("Handler", (Flaky,), answers | {"received": received, "script": iter(script)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        client = Client(f"http://127.0.0.1:{listening.server_port}", None)
        yield client, received
        client.close()
        listening.shutdown()
        thread.join()


HANGS_UP: Step = (0, "", {})
DONE: Step = (200, '{"done": true}', {})
BUSY: Step = (503, '{"code": "server.busy", "status": 503, "detail": "Busy."}', {"retry-after": "0"})
CLOSED: Step = (503, '{"code": "restore.waiting", "status": 503, "detail": "Closed."}', {"retry-after": "60"})


def test_a_post_is_repeated_with_the_same_key() -> None:
    with server(HANGS_UP, BUSY, DONE) as (client, received):
        assert client.post("/v1/parties", {"name": "x"}) == {"done": True}
    (method, key), *_ = received
    assert received == [(method, key)] * 3
    assert key


def test_two_posts_have_two_keys() -> None:
    with server(DONE, DONE) as (client, received):
        client.post("/v1/parties")
        client.post("/v1/parties")
    assert len({key for _, key in received}) == 2


@pytest.mark.parametrize(
    "edit", [lambda client: client.put("/v1/parties/x", {}, '"1"'), lambda client: client.delete("/v1/parties/x")]
)
def test_what_has_no_key_is_not_repeated(edit: Callable[[Client], object]) -> None:
    with server(HANGS_UP, DONE) as (client, received), pytest.raises(Unreachable):
        edit(client)
    assert len(received) == 1


def test_it_gives_up_after_three_attempts() -> None:
    with server(HANGS_UP, HANGS_UP, HANGS_UP, DONE) as (client, received), pytest.raises(Unreachable):
        client.get("/v1/me")
    assert len(received) == 3


def test_it_does_not_wait_for_what_takes_long() -> None:
    with server(CLOSED, DONE) as (client, received), pytest.raises(Refused) as refused:
        client.post("/v1/x")
    assert (refused.value.code, len(received)) == ("restore.waiting", 1)


@pytest.mark.parametrize(
    "foreign",
    [
        (200, "<html>", {}),
        (502, "Bad Gateway", {"content-type": "text/html"}),
        (404, "[]", {}),
        (302, "", {"location": "/"}),
    ],
)
def test_something_else_answers(foreign: Step) -> None:
    with server(foreign) as (client, _), pytest.raises(Unreachable) as refused:
        client.get("/v1/me")
    assert refused.value.code == "server.foreign"


def test_a_repeated_act_is_done_once(ada: Staff, tmp_path: Path) -> None:
    client = Client(ada.server, ada.token_file)
    headers = {"Idempotency-Key": "the-same-key"}
    body = {"name": "Once Only", "country": "IS", "role": "end-user"}
    answers = [client._send("POST", "/v1/parties", body=body, headers=headers)[0] for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(client.items("/v1/parties", most=None, country="IS")[0]) == 1
    client.close()
