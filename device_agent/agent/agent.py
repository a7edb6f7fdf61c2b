"""The agent as a product embeds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from device_agent.agent.background import Worker
from device_agent.agent.guard import guarded
from device_agent.agent.identity import Identity
from device_agent.agent.late import importing
from device_agent.agent.life import Life
from device_agent.agent.locator import Locator
from device_agent.agent.observer import Observer
from device_agent.agent.syncer import Syncer
from device_agent.agent.waiter import Waiter
from device_agent.agent.watcher import Watcher
from device_agent.clock import Clock, SystemClock
from device_agent.enforcement import Beliefs, Enforcer, Gate
from device_agent.errors import AgentClosed, StoreError
from device_agent.location import AnySource, LocationSource, Observation, sources
from device_agent.measurement import Change
from device_agent.store import Store
from licensing_protocol import manifest as manifests
from licensing_protocol.decision import Decision
from licensing_protocol.keys import VerificationKey
from licensing_protocol.limits import Fix
from licensing_protocol.manifest import Manifest

if TYPE_CHECKING:
    from device_agent.agent.status import AgentStatus
    from device_agent.exchange import Exchange, SyncReport, Transport
    from licensing_protocol.explanation import Explanation

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

SYNC_EVERY_S: Final = 300.0


class Agent:
    """Decides and enforces what the product may do, and reports to the exporter.

    Open it once with :meth:`open`; it may be used from any thread, in forked children too, and several processes may
    share one folder. Whatever is wrong with the device, a decision is an answer and never an exception: gated
    capabilities are denied with a reason, safety functions are granted.
    """

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        identity: Identity,
        clock: Clock,
        transport: Transport | None,
        *,
        product_folder: Path | None,
        settings: Callable[[], Mapping[str, Any]] | None,
        locations: Sequence[LocationSource],
        sync_every: float | None,
        listen: bool,
    ) -> None:
        self._store = store
        self._identity = identity
        self._clock = clock
        self._transport = transport
        self._beliefs = Beliefs(store, manifest, clock, identity.subject)
        self._enforcer = Enforcer(self._beliefs, self._settle_by_news, self._keep_working)
        self._gates = self._enforcer.gates
        self._observer = Observer(self._beliefs, product_folder, settings)
        self._locator = Locator(self._beliefs, self._enforcer)
        self._syncer = Syncer(self.sync, self._silence, clock.boottime, sync_every or SYNC_EVERY_S)
        self._waiter = Waiter(self._own_exchange, self._take_news, clock.boottime)
        watcher = Watcher(clock, self._enforcer, self._observer, self._locator, locations)
        workers: list[Worker] = []
        if sync_every is not None or locations:
            workers.append(watcher.worker)
        if sync_every is not None:
            workers.append(self._syncer.worker)
            if listen:
                workers.append(self._waiter.worker)
        self._life = Life(
            store, self._enforcer, self._observer, self._locator, watcher, self._syncer, self._waiter, workers
        )
        self._trust_verified = False

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        manifest: str,
        vendor_key: Mapping[str, Any],
        product_folder: str | os.PathLike[str] | None = None,
        settings: Callable[[], Mapping[str, Any]] | None = None,
        clock: Clock | None = None,
        transport: Transport | None = None,
        location: AnySource | Sequence[AnySource] | None = None,
        sync_every: float | None = SYNC_EVERY_S,
        listen: bool = True,
    ) -> Agent:
        """Open the agent of the device whose state lies in ``folder``, which is made where it is missing.

        ``manifest`` is the product's signed manifest and ``vendor_key`` (a public JWK) the key that must have signed
        it. Below ``product_folder`` lie the files that the manifest measures; ``settings`` returns its settings.
        ``location`` is asked for a position about once a second; several of them are held against each other, and
        where they disagree there is no position. The device reports about every ``sync_every``
        seconds and looks after its parts every few; with ``None`` the product calls :meth:`sync` and :meth:`measure`
        itself, and without a ``location`` nothing runs in the background then. Beside the reports it keeps one request
        open at the exporter, so that a revocation is obeyed within a second or two; with ``listen=False`` it learns of
        one when it reports. A store that cannot serve does not raise: what is gated is denied for that reason.

        Raises:
            UnsupportedPlatform: this is no Linux.
            InterlockError: the manifest is malformed, or not by the vendor's key.
        """
        key = VerificationKey.from_jwk(dict(vendor_key))
        read = manifests.verify(manifest, key)
        agent = cls(
            Store(Path(folder)),
            read,
            Identity(Path(folder), read, key),
            SystemClock() if clock is None else clock,
            transport,
            product_folder=None if product_folder is None else Path(product_folder),
            settings=settings,
            locations=sources(location),
            sync_every=sync_every,
            listen=listen,
        )
        agent._begin()
        return agent

    @property
    def device_id(self) -> str:
        """The device's id, which it has from its first start on.

        Raises:
            StoreError: its key cannot be read.
        """
        return self._identity.subject().device

    @property
    def enrolled(self) -> bool:
        """Whether the exporter knows this device."""
        self._enforcer.refresh()
        return self._silence() is not None

    def decide(
        self, capability: str, /, *, authority: str | None = None, operators: tuple[str, ...] = (), **parameters: Any
    ) -> Decision:
        """Say whether one use would be granted now, and why not. Nothing is used up, and nothing is journalled."""
        return self._enforcer.decide(self._gates.find(capability, authority, operators, parameters))

    def explain(
        self, capability: str, /, *, authority: str | None = None, operators: tuple[str, ...] = (), **parameters: Any
    ) -> Explanation:
        """Return the whole reasoning behind what :meth:`decide` says of the same use now; ``str()`` is a table.

        It is slow beside a decision and meant for people on this device: it names zones and how far their borders are,
        so keep it here. Nothing is used up, sent or journalled.
        """
        # Rarely asked for: a start does not wait for it.
        with importing():
            from device_agent.agent.explain import explain

        use = self._gates.find(capability, authority, operators, parameters).use
        return self._enforcer.tell(capability, lambda moment: explain(self._beliefs.manifest, capability, use, moment))

    def use(
        self, capability: str, /, *, authority: str | None = None, operators: tuple[str, ...] = (), **parameters: Any
    ) -> Gate:
        """Return the way into one use, for ``with`` or ``async with``; it gives the :class:`Granted`.

        ``authority`` is the legal authority that the use cites, ``operators`` who stands behind it, and ``parameters``
        what the product is about to do. Entering takes from a quota and records what the grant asks for, before the
        body begins.

        Raises:
            CapabilityDenied: on entering; ``.denied.reason`` has a stable code and a sentence.
        """
        return self._gates.find(capability, authority, operators, parameters)

    def requires(
        self, capability: str, /, *, authority: str | None = None, operators: tuple[str, ...] = (), **parameters: Any
    ) -> Callable[[F], F]:
        """Make every call of a function, plain or ``async``, one :meth:`use` of a capability.

        Raises:
            TypeError: the function is a generator, whose body runs after the call has returned.
        """

        def gate() -> Gate:
            return self.use(capability, authority=authority, operators=operators, **parameters)

        return lambda function: guarded(function, gate)

    def locate(self, fix: Fix) -> None:
        """Take a position. One that something speaks against (the way since the last, its time) is journalled instead.

        An :class:`~device_agent.location.Observation` says more and is held against more; by its ``source`` it is told
        from what other receivers say.

        Raises:
            MalformedFix: it is no position.
        """
        source = fix.source if isinstance(fix, Observation) else ""
        self._locator.locate(fix, f"product {source}")

    def measure(self) -> tuple[Change, ...]:
        """Measure the product's files and settings now; what changed is journalled once and returned.

        Raises:
            AgentClosed: the agent was closed. StoreError: the change cannot be journalled yet.
        """
        self._refuse_if_closed()
        return self._observer.measure()

    def enroll(self, token: str) -> SyncReport:
        """Make the device known to the exporter with a one-time token, and take its first entitlement.

        Raises:
            TransportError: no server answered; ``ServerRefused`` where one said why not. The token can be tried again.
            AgentClosed: the agent was closed. StoreError: the store cannot serve.
        """
        return self._exchange(lambda exchange: exchange.enroll(token))

    def sync(self) -> SyncReport:
        """Report to the exporter now, and take what it has. What did not work is in the report.

        Raises:
            AgentClosed: the agent was closed. StoreError: the store cannot serve.
        """
        return self._exchange(lambda exchange: exchange.sync())

    def export_request(self, path: str | os.PathLike[str], token: str | None = None) -> None:
        """Write what the device would send to a file, for a device without a network; ``token`` before enrolment.

        Raises:
            TransportError: the file cannot be written. InterlockError: a token is needed.
            AgentClosed: the agent was closed. StoreError: the store cannot serve.
        """
        self._exchange(lambda exchange: exchange.export_request(Path(path), token))

    def import_answer(self, path: str | os.PathLike[str]) -> SyncReport:
        """Take the answer to an exported request from a file.

        Raises:
            TransportError: the file cannot be read, or answers something else. InterlockError: it is no answer.
            AgentClosed: the agent was closed. StoreError: the store cannot serve.
        """
        report = self._exchange(lambda exchange: exchange.import_answer(Path(path)))
        if report.invalid:
            # Who learns of a revocation says so at once (protocol §4).
            self._syncer.hurry()
        return report

    def status(self) -> AgentStatus:
        """Return how the device stands: entitlement, capabilities, lists, clock, journal, notices."""
        with importing():
            from device_agent.agent import status

        self._enforcer.refresh()
        return status.read(self._beliefs, self._enforcer, self._locator.silent, self._clock.read())

    def close(self) -> None:
        """Stop, within two seconds, and write what was counted. From now on only safety functions are granted.

        Closing again does nothing. Where other processes keep the store busy for all that time, counts of the last
        moments are lost, as in a crash.
        """
        self._life.end()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _begin(self) -> None:
        self._enforcer.refresh()
        with suppress(StoreError):
            self._observer.measure()
        self._life.go_on()

    def _exchange(self, act: Callable[[Exchange], T]) -> T:
        self._refuse_if_closed()
        with self._life.exchanging:
            with suppress(StoreError):
                self._observer.measure()
            self._enforcer.flush()
            exchange = self._own_exchange()
            try:
                if not self._trust_verified:
                    exchange.verify_trust()
                    self._trust_verified = True
                return act(exchange)
            finally:
                self._enforcer.refresh()
                self._waiter.begin()

    def _own_exchange(self) -> Exchange:
        return self._identity.exchange(self._store, self._clock, self._transport)

    def _take_news(self, report: SyncReport) -> None:
        self._enforcer.refresh()
        if report.invalid:
            # Who learns of a revocation says so at once (protocol §4).
            self._syncer.hurry()

    def _refuse_if_closed(self) -> None:
        if self._life.ended:
            raise AgentClosed

    def _silence(self) -> float | None:
        """Return the seconds since the newest receipt, at least; ``None`` before enrolment."""
        try:
            state = self._beliefs.state
        except StoreError:
            return None
        if state.receipt is None:
            # The key of the newest one may have been removed from the root of trust: report at once then.
            return inf if state.enrolled else None
        return max(0, state.time.lower - state.receipt.issued_at)

    def _settle_by_news(self, code: str) -> None:
        self._syncer.settle(code)

    def _keep_working(self) -> None:
        self._life.go_on()
