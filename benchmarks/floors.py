"""The least that a thing can cost: each floor is a few lines that anyone can judge."""

from __future__ import annotations

import time
from typing import Any


class DecisionFloor:
    """What any decision at run time must do: take the call, read the clock that sleep does not stop, look it up."""

    def __init__(self, answers: dict[str, object]) -> None:
        self._answers = answers

    def use(
        self, capability: str, /, *, authority: str | None = None, operators: tuple[str, ...] = (), **parameters: Any
    ) -> object:
        """Answer as quickly as Python can."""
        return self._answers[capability] if time.clock_gettime(time.CLOCK_BOOTTIME) else None


def check_in_floor(url: str) -> Any:
    """What any server that answers signed reports must do: check one signature, keep the report, sign an answer.

    The same web framework and database library as the server's, and a commit that is as durable.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from fastapi import Body, FastAPI
    from sqlalchemy import text

    from licensing_server.database import Database

    app, database, signer = FastAPI(), Database(url), Ed25519PrivateKey.generate()
    with database.write() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS floor_report (message TEXT, answer TEXT)"))

    @app.post("/report")
    def report(body: dict[str, str] = Body()) -> dict[str, str]:  # noqa: B008  # FastAPI reads a default
        message = body["message"].encode()
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(body["key"])).verify(bytes.fromhex(body["signature"]), message)
        answer = signer.sign(message).hex()
        with database.write() as session:
            session.execute(text("INSERT INTO floor_report VALUES (:m, :a)"), {"m": body["message"], "a": answer})
        return {"answer": answer}

    return app
