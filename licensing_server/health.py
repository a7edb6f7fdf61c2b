"""Whether the server is alive, and whether it is fit to serve."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from licensing_protocol.trust import Delegation
from licensing_server import audit_log, clock, migrations, witnessing
from licensing_server.problem import Unavailable
from licensing_server.web import public
from licensing_server.web.metrics import LAG, REGISTRY

router = APIRouter(tags=["operation"])
_MOST_LAG_S = 60


@router.get("/healthz", dependencies=[public("says only that the process answers")])
async def healthz() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "alive"}


@router.get("/readyz", dependencies=[public("says only whether the server is fit to serve")])
def readyz(request: Request) -> dict[str, Any]:
    """Tell whether the database is migrated, the keys sign, and the log keeps up; 503 if not."""
    state = request.app.state
    # First: of another schema nothing else can be asked.
    migrated = migrations.is_current(state.database)
    lag = _lag(request) if migrated else 0
    unsigned, signs_heads = _heads(request) if migrated else (0, False)
    refusing = _refusing(request) if migrated else []
    found: dict[str, Any] = {
        "migrated": migrated,
        "signs": all(len(state.custody.signer(name).sign(b"readyz")) > 0 for name in Delegation),
        "sequencer_lag_s": lag,
        "checkpoint_lag_s": unsigned,
        # Not so while a restore waits for people to accept it, which makes the server no less fit to serve devices.
        "signs_checkpoints": signs_heads,
        # A sign that the log shows two pasts: it must be looked into, and devices are served all the same.
        "refusing_witnesses": refusing,
        # After that devices take nothing new that is signed here: see interlock keys renew.
        "trust_expires_at": state.newest.root.expires,
        "failing_jobs": sorted(state.runner.failures),
    }
    expired = found["trust_expires_at"] < clock.now()
    if not found["migrated"] or expired or max(lag, unsigned) > _MOST_LAG_S or found["failing_jobs"]:
        raise Unavailable("server.not_ready", "The server is not fit to serve; see its members.", **found)
    return {"status": "ready"} | found


@router.get("/metrics", dependencies=[public("figures without ids; keep it off the open network in a proxy")])
def metrics(request: Request) -> Response:
    """Return figures for Prometheus."""
    _lag(request)
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _heads(request: Request) -> tuple[int, bool]:
    with request.app.state.database.read() as session:
        return audit_log.unsigned_lag(session, clock.now()), audit_log.is_open(session)


def _refusing(request: Request) -> list[str]:
    with request.app.state.database.read() as session:
        return witnessing.refusing(session)


def _lag(request: Request) -> int:
    with request.app.state.database.read() as session:
        lag = audit_log.lag(session, clock.now())
    LAG.set(lag)
    return lag
