"""A witness is asked within bounds of seconds and bytes, whatever it answers and however slowly."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from licensing_server.witnessing.ask import Asker
from licensing_server.witnessing.outcome import Failed, Heard

PACKED = gzip.compress(bytes(50_000))


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Answer every client as told; yield the address, and what was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _address = listening.accept()
                with client, suppress(OSError):
                    asked.append(client.recv(65_536))
                    answer(client)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def drip(client: socket.socket, piece: bytes) -> None:
    while True:
        client.sendall(piece)
        time.sleep(0.02)


@pytest.mark.parametrize(
    "begun",
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["headers", "a body", "a body without a length"],
)
def test_an_answer_that_drips_for_ever_holds_nobody_up(begun: bytes) -> None:
    def answer(client: socket.socket) -> None:
        client.sendall(begun)
        drip(client, b"a" if begun.endswith(b"\r\n\r\n") else b"x: y\r\n")

    with answering(answer) as (url, _asked):
        asker, begin = Asker(url, whole_s=0.3), time.monotonic()
        assert isinstance(asker.ask(b"old 0\n"), Failed)
        assert time.monotonic() - begin < 5
        assert isinstance(asker.ask(b"old 0\n"), Failed)
        asker.close()


def test_an_answer_is_read_as_it_comes_and_nothing_is_unpacked() -> None:
    def answer(client: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(PACKED)}\r\n\r\n"
        client.sendall(head.encode() + PACKED)

    with answering(answer) as (url, asked):
        asker = Asker(url)
        heard = asker.ask(b"old 0\n")
        assert isinstance(heard, Heard)
        assert heard.body == PACKED
        assert b"accept-encoding: identity" in asked[0].lower()
        asker.close()
