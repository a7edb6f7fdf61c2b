"""Runs the application in this process until a signal, and lets go of who waits when it ends."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import uvicorn

from licensing_server.app import all_jobs, create_app, outward_jobs
from licensing_server.config import Settings
from licensing_server.database import Listener
from licensing_server.jobs import Runner
from licensing_server.listening import Server, address_of, bind, config_of
from licensing_server.orders.follow import Followers
from licensing_server.publishing import Published, publish
from licensing_server.setup import note_configuration, open_database, open_server
from licensing_server.status_lists import Board
from licensing_server.trust import Newest


def serve(settings: Settings, announce: Callable[[str], None], *, with_jobs: bool) -> None:
    """Serve until SIGTERM or SIGINT; ``announce`` is called with the address once requests are answered.

    Raises:
        Unavailable: ``database.unmigrated``, ``signing.absent``, ``signing.unreadable``, ``serve.address``.
    """
    database, custody = open_server(settings)
    with closing(database), closing(bind(settings.host, settings.port)) as listener:
        note_configuration(database, settings)
        app = create_app(settings, database, custody, with_jobs=with_jobs)
        config = config_of(app, settings.trusted_proxies)
        server = _Server(config, (app.state.board, app.state.followers), lambda: announce(address_of(listener)))
        server.run(sockets=[listener])


def work(settings: Settings, announce: Callable[[], None]) -> None:
    """Run background work alone until SIGTERM or SIGINT.

    Raises:
        Unavailable: as :func:`serve`.
    """
    database, custody = open_server(settings)
    with closing(database):
        note_configuration(database, settings)
        runners = [Runner(database, jobs(settings, custody)) for jobs in (all_jobs, outward_jobs)]
        newest = Newest(custody)

        def on_commit() -> None:
            with database.read() as session:
                newest.refresh(session)
            for runner in runners:
                runner.wake()

        on_commit()
        listener = Listener(database, on_commit)
        stopped = _stopped_by_signal()
        listener.start()
        for runner in runners:
            runner.start()
        announce()
        stopped.wait()
        listener.stop()
        for runner in runners:
            runner.stop()


def keep_published(settings: Settings, folder: Path, announce: Callable[[Published], None]) -> None:
    """Write what is signed for everybody to a folder until SIGTERM or SIGINT, each time soon after it was signed.

    Raises:
        Problem: as :func:`open_database` and :func:`publish`, where already the first time fails; later ones are logged
            and tried again.
    """
    with closing(open_database(settings)) as database:

        def write() -> Published:
            with database.read() as session:
                return publish(session, folder, with_log=settings.log_public)

        stopped = _stopped_by_signal()
        announce(write())
        listener = Listener(database, write)
        listener.start()
        stopped.wait()
        listener.stop()


def _stopped_by_signal() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


class _Server(Server):
    def __init__(
        self, config: uvicorn.Config, waited_at: tuple[Board, Followers], announce: Callable[[], None]
    ) -> None:
        super().__init__(config, announce)
        self._waited_at = waited_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Requests that wait for a status list are answered now, else each would hold the end up for a minute.
        for held in self._waited_at:
            held.close()
        await super().shutdown(sockets)
