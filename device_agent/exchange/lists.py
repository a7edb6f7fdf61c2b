"""Status lists: fetched for every shard to which the entitlement refers, from whoever has them (protocol §4)."""

from __future__ import annotations

import re
from dataclasses import replace

from device_agent.errors import TransportError
from device_agent.exchange import trust
from device_agent.exchange.device import Device
from device_agent.exchange.patience import Patience
from device_agent.exchange.report import SyncReport
from device_agent.exchange.servers import Servers
from device_agent.trusted_state import take_status_list
from device_agent.trusted_state.records import etag
from licensing_protocol.token import TokenType

# The URI is an identifier; the list is fetched from the manifest's servers by the end of it.
_PATH = re.compile(r"/v1/status/\d{1,10}\Z", re.ASCII)


def fetch_all(device: Device, servers: Servers, report: SyncReport) -> SyncReport:
    """Fetch every list that is needed; one that cannot be had is a problem in the report and keeps no other away."""
    before = device.state()
    for uri in sorted(before.shards):
        try:
            report = _fetch(device, servers, uri, report)
        except TransportError as error:
            report = report.with_problem(error)
    after = device.state()
    return replace(report, invalid=report.invalid | (after.invalid - before.invalid))


def wait(device: Device, servers: Servers, uri: str, patience: Patience) -> SyncReport:
    """Wait at the server until there is another list of a shard than the one held, and take it.

    Raises:
        TransportError: no server gave one that could be used.
    """
    before = device.state()
    report = _fetch(device, servers, uri, SyncReport(), patience)
    return replace(report, invalid=device.state().invalid - before.invalid)


def accept(device: Device, uri: str, text: str, tag: str = "") -> bool:
    """Take one list, and tell whether it is newer than the one held.

    Raises:
        InterlockError: it was refused, which is journalled.
    """
    with device.writing() as work:
        taken = take_status_list(work.connection, work.state, uri, text, work.reading, etag=tag)
    if taken.problem is not None:
        raise taken.problem
    return taken.changed


def _fetch(
    device: Device, servers: Servers, uri: str, report: SyncReport, patience: Patience | None = None
) -> SyncReport:
    path = _PATH.search(uri)
    if path is None:
        raise TransportError(f"The status list {uri} has no place on a server.")
    # Asked for whole where none that still verifies is held.
    held = _etag(device, uri) if uri in device.state().lists else ""

    def attempt(address: str) -> bool:
        answer = servers.get_status_list(address, path[0], held, patience)
        if answer is None:
            return False
        trust.fetch_for(device, servers, address, answer[0], TokenType.STATUS_LIST)
        return accept(device, uri, *answer)

    return replace(report, lists=report.lists + servers.first(attempt))


def _etag(device: Device, uri: str) -> str:
    with device.store.read() as connection:
        return etag(connection, uri)
