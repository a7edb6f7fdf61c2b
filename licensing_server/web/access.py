"""One request of a person: authenticated inside the transaction that serves it, and committed before it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from licensing_server import clock
from licensing_server.database import Database
from licensing_server.problem import PreconditionRequired, Unauthenticated
from licensing_server.web import idempotency
from licensing_server.web.actor import Actor, Authenticator, Role
from licensing_server.web.paging import Page

_ETAG = re.compile(r'"(\d{1,12})"')


@dataclass(frozen=True, slots=True)
class Act:
    """What a rule needs to know of the request: ``actor`` and ``token`` are opaque ids, ``now`` in seconds."""

    session: Session
    actor: str
    now: int
    roles: frozenset[Role] = frozenset()
    token: str = ""


class Access:
    """Opens the one transaction of a route."""

    is_open = False

    def __init__(self, request: Request, roles: frozenset[Role]) -> None:
        self._request = request
        self._roles = roles
        # Before anything of the request is read: without a token not even its faults are told.
        self._bearer = _bearer(request)
        self._database: Database = request.app.state.database
        self._authenticate: Authenticator = request.app.state.authenticator

    @contextmanager
    def read(self) -> Iterator[Act]:
        """Yield an act that can only read."""
        with self._database.read() as session:
            yield self._act(session)

    def change(self, do: Callable[[Act], BaseModel | None], *, status: int = 200) -> Response:
        """Run ``do`` in one writing transaction and return its result once that is committed.

        With an ``Idempotency-Key`` the same request by the same person is done once; the second gets the first answer.
        """

        def once(session: Session) -> idempotency.Answer:
            act = self._act(session)
            key = idempotency.key_of(self._request, act.actor, self._bearer)
            answer = None if key is None else idempotency.earlier_answer(session, key)
            if answer is None:
                answer = _answer(do(act), status)
                if key is not None:
                    idempotency.remember(session, key, answer, act.now)
            return answer

        return self._database.change(once).to_response()

    def note(self, do: Callable[[Act], object]) -> None:
        """Run ``do`` in a writing transaction of its own: for what stands although the request was refused."""
        self._database.change(lambda session: do(self._act(session)))

    def expected_version(self) -> int:
        """Return the version that an edit is meant for, from ``If-Match``.

        Raises:
            PreconditionRequired: ``edit.no_version``.
        """
        match = _ETAG.fullmatch(self._request.headers.get("if-match", ""))
        if match is None:
            raise PreconditionRequired(
                "edit.no_version", 'Send If-Match with the ETag that you read, such as "3", so that no edit is lost.'
            )
        return int(match[1])

    def _act(self, session: Session) -> Act:
        now = clock.now()
        actor = self._actor(session, now)
        actor.refuse_unless(self._roles)
        return Act(session, actor.person, now, actor.roles, actor.token)

    def _actor(self, session: Session, now: int) -> Actor:
        return self._authenticate(session, self._bearer, now)


class OpenAccess(Access):
    """For a route that is open to everybody by a setting: it can only read, and nobody is named."""

    is_open = True

    def __init__(self, request: Request) -> None:
        self._database = request.app.state.database

    def _act(self, session: Session) -> Act:
        return Act(session, "", clock.now())


def _bearer(request: Request) -> str:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer:
        raise Unauthenticated("token.missing", "Send your API token as: Authorization: Bearer …")
    return bearer.strip()


def _answer(result: BaseModel | None, status: int) -> idempotency.Answer:
    if result is None:
        return idempotency.Answer(204, "", None)
    version = getattr(result, "version", None)
    if isinstance(result, Page):
        version = None
    return idempotency.Answer(status, result.model_dump_json(), version)
