"""Wires the rooms into one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI

from licensing_protocol.trust import Delegation
from licensing_server import accounts, audit_log, clock, closing, health, refusals, trust, witnessing
from licensing_server.accounts.routes import router as accounts_routes
from licensing_server.alerts import jobs as alerts_jobs
from licensing_server.alerts.routes import router as alerts_routes
from licensing_server.audit_log.export_routes import router as export_routes
from licensing_server.audit_log.jobs import AFTERWARDS as LOG_JOBS_AFTERWARDS
from licensing_server.audit_log.jobs import JOBS as LOG_JOBS
from licensing_server.audit_log.routes import router as log_routes
from licensing_server.audit_log.tile_routes import router as tile_routes
from licensing_server.catalogue.routes import router as catalogue_routes
from licensing_server.config import Settings
from licensing_server.database import Database, Listener
from licensing_server.database.engine import REQUEST_THREADS
from licensing_server.devices.routes import router as devices_routes
from licensing_server.diligence.routes import router as diligence_routes
from licensing_server.entitlements.routes import router as entitlements_routes
from licensing_server.evidence.routes import router as evidence_routes
from licensing_server.exchange.counter import Counter
from licensing_server.exchange.routes import router as exchange_routes
from licensing_server.jobs import Runner, Work
from licensing_server.orders import life as order_life
from licensing_server.orders.follow import Followers
from licensing_server.orders.routes import look
from licensing_server.orders.routes import router as orders_routes
from licensing_server.orders.schemas import PropagationReply
from licensing_server.signing import Custody
from licensing_server.status_lists import Board
from licensing_server.status_lists.routes import router as status_routes
from licensing_server.status_lists.sign import Signing
from licensing_server.status_lists.upkeep import Upkeep
from licensing_server.trust.routes import router as trust_routes
from licensing_server.web import describe
from licensing_server.web.intake import Intake
from licensing_server.witnessing.routes import router as witnessing_routes

# A request is held against one route after another: a whole fleet asks the first of them, and people the others.
ROUTERS = (
    exchange_routes,
    status_routes,
    trust_routes,
    health.router,
    accounts_routes,
    catalogue_routes,
    diligence_routes,
    devices_routes,
    entitlements_routes,
    orders_routes,
    evidence_routes,
    alerts_routes,
    log_routes,
    export_routes,
    tile_routes,
    witnessing_routes,
)


def all_jobs(settings: Settings, custody: Custody) -> tuple[Work, ...]:
    """Return every job, in the order in which one pass should run them: the sequencer before what reads its order.

    Raises:
        Unavailable: ``log.policy``.
    """
    signing = Signing(settings, custody.signatory(Delegation.STATUS))
    log_signer = partial(custody.signer, Delegation.LOG)
    witnesses = witnessing.read_policy(settings)
    checkpoints = audit_log.Checkpoints(
        audit_log.HeadFile(settings.data_dir),
        log_signer,
        partial(closing.close_for_lost_head, settings),
        None if witnesses is None else witnesses.unseen_s,
    )
    alerts = alerts_jobs.job(settings.repeated_denials)
    return (order_life.job(settings), *LOG_JOBS, alerts, *LOG_JOBS_AFTERWARDS, checkpoints, Upkeep(settings), signing)


def outward_jobs(settings: Settings, custody: Custody) -> tuple[Work, ...]:
    """Return the jobs that wait for others on the network: they have a thread of their own, and hold nobody up.

    Raises:
        Unavailable: ``log.policy``.
    """
    witnesses = witnessing.read_policy(settings)
    return () if witnesses is None else (witnessing.Rounds(witnesses, partial(custody.held, Delegation.LOG)),)


def create_app(settings: Settings, database: Database, custody: Custody, *, with_jobs: bool = True) -> FastAPI:
    """Return the application. ``with_jobs=False`` leaves background work to ``interlock work`` (or a test)."""
    app = FastAPI(
        title="Interlock licensing server",
        version="1",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
    )
    state = app.state
    state.settings, state.database, state.custody = settings, database, custody
    state.authenticator = accounts.authenticate
    state.board = Board(settings.waiters, settings.waiters_per_address)
    state.followers = Followers(settings.followers, partial(_look, database, settings))
    state.runner = Runner(database, all_jobs(settings, custody))
    state.witnesses = witnessing.read_policy(settings)
    state.outward = Runner(database, outward_jobs(settings, custody))
    state.with_jobs = with_jobs
    state.newest = trust.Newest(custody)
    with database.read() as session:
        state.newest.refresh(session)
    state.counter = Counter.of(database, settings, custody, state.newest)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's own way to replace it
    refusals.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Intake, body_limit=settings.body_limit)
    return app


def _look(database: Database, settings: Settings, order: str) -> PropagationReply:
    with database.read() as session:
        return look(session, order, settings, clock.now())


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # A request that has a thread also gets a connection.
    anyio.to_thread.current_default_thread_limiter().total_tokens = REQUEST_THREADS
    state = app.state

    def on_commit() -> None:
        with state.database.read() as session:
            # First: what is signed from now on is signed with keys that are named.
            state.newest.refresh(session)
            state.board.refresh(session)
        state.runner.wake()
        state.outward.wake()
        state.followers.wake()

    on_commit()
    listener = Listener(state.database, on_commit)
    listener.start()
    if state.with_jobs:
        state.runner.start()
        state.outward.start()
    try:
        yield
    finally:
        listener.stop()
        if state.with_jobs:
            state.runner.stop()
            state.outward.stop()
