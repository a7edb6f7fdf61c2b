"""The root of trust on its way: with every answer that has something newer, and fetched for a key nobody knows yet."""

from __future__ import annotations

from contextlib import suppress
from itertools import takewhile

from device_agent.errors import TransportError
from device_agent.exchange.device import Device
from device_agent.exchange.report import SyncReport
from device_agent.exchange.servers import Servers
from device_agent.trusted_state import take_trust
from device_agent.trusted_state.root import held
from licensing_protocol import token
from licensing_protocol.errors import InterlockError
from licensing_protocol.exchange import MOST_ROOTS, TrustHeld, TrustUpdate
from licensing_protocol.token import TokenType
from licensing_protocol.trust import DELEGATION_OF


def walked(device: Device) -> TrustHeld:
    """Return how far this device has walked, for the exporter to send what comes after."""
    with device.store.read() as connection:
        return held(connection, device.subject)


def accept(device: Device, update: TrustUpdate | None, report: SyncReport) -> SyncReport:
    """Take what came of the root of trust, in a transaction of its own: it counts whatever becomes of the rest.

    An empty update verifies once more what is held.
    """
    if update is None:
        return report
    with device.writing() as work:
        taken = take_trust(work.connection, work.state, update, device.signer, work.reading)
    return report if taken.problem is None else report.with_problem(taken.problem)


def fetch_for(device: Device, servers: Servers, address: str, text: str, typ: TokenType) -> None:
    """Fetch what is newer where a document names a key that may not sign it; whether it may then is seen later."""
    try:
        kid = token.claimed_key(text, typ)
    except InterlockError:
        return
    if device.state().subject.root.keys(DELEGATION_OF[typ]).get(kid) is None:
        # Whoever serves lists need not have this: then the document is refused for its key.
        with suppress(TransportError):
            accept(device, _fetched(servers, address, walked(device)), SyncReport())


def _fetched(servers: Servers, address: str, held: TrustHeld) -> TrustUpdate:
    versions = (
        servers.get_metadata(address, f"/v1/trust/{held.root + step}.root.json") for step in range(1, MOST_ROOTS + 1)
    )
    roots = tuple(root for root in takewhile(lambda found: found is not None, versions) if root is not None)
    return TrustUpdate(roots, servers.get_metadata(address, "/v1/trust/targets.json"))
