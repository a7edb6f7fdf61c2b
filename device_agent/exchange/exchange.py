"""The exchange as the agent uses it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from device_agent import journal
from device_agent.exchange import by_file, enrol, lists, trust
from device_agent.exchange.check_in import check_in
from device_agent.exchange.device import Device
from device_agent.exchange.patience import Patience
from device_agent.exchange.report import SyncReport
from device_agent.exchange.servers import Servers
from device_agent.exchange.transport import Transport
from licensing_protocol.exchange import TrustUpdate


class Exchange:
    """Enrols, reports and fetches, by network or by file. It may be used from any thread and process.

    What it brings lies in the store; load the :class:`~device_agent.trusted_state.State` again afterwards. Every method
    may raise a :class:`~device_agent.errors.StoreError`.
    """

    def __init__(self, device: Device, transport: Transport) -> None:
        self._device = device
        self._servers = Servers(transport, device.subject.manifest.servers)

    def enroll(self, token: str) -> SyncReport:
        """Make the device known with a one-time token. On a device that is known already nothing is sent.

        Tried again with the same token it sends the same document, so a reply that was lost costs nothing.

        Raises:
            TransportError: no server answered; :class:`~device_agent.errors.ServerRefused` where one said why not.
            MalformedDocument: the token is none.
        """
        if self._device.state().enrolled:
            return SyncReport()
        body = enrol.request(self._device, token).to_json()
        report = self._servers.first(
            lambda address: enrol.accept(self._device, self._servers.post(address, "/v1/enrollments", body))
        )
        return self._counted(lists.fetch_all(self._device, self._servers, report))

    def sync(self) -> SyncReport:
        """Report what happened, and fetch what is newer. What did not work is in the report.

        Where a list says that a grant was revoked just now, the device reports once more at once, so that the exporter
        knows that it obeys and a new entitlement can come (protocol §4); so it does where the key that signed its
        entitlement was removed from the root of trust meanwhile. Before enrolment nothing is done.
        """
        report = SyncReport()
        before = self._device.state()
        if not before.enrolled:
            return report
        report = lists.fetch_all(self._device, self._servers, check_in(self._device, self._servers, report))
        deprived = before.entitlement is not None and self._device.state().entitlement is None
        if report.invalid or deprived:
            report = lists.fetch_all(self._device, self._servers, check_in(self._device, self._servers, report))
        return self._counted(report)

    def fetch_lists(self) -> SyncReport:
        """Fetch the status lists only. Where the report names ``invalid`` capabilities, sync at once."""
        return lists.fetch_all(self._device, self._servers, SyncReport())

    def shards(self) -> list[str]:
        """Return the URIs of the status lists that the device needs; none before it has an entitlement."""
        return sorted(self._device.state().shards)

    def wait_for_list(self, uri: str, patience: Patience) -> SyncReport:
        """Wait at the server for a list other than the one held, and take it; the server may answer sooner.

        Where the report names ``invalid`` capabilities, sync at once.

        Raises:
            TransportError: no server gave a list that could be used, or the wait was ended.
        """
        return lists.wait(self._device, self._servers, uri, patience)

    def verify_trust(self) -> None:
        """Verify once more what is held of the root of trust: a store that was changed by hand is found out here."""
        trust.accept(self._device, TrustUpdate(), SyncReport())

    def export_request(self, path: Path, token: str | None = None) -> None:
        """Write what would be sent to a file; before enrolment that takes a one-time ``token``.

        Raises:
            TransportError: ``file.unwritable``. MalformedDocument: a token is needed.
        """
        by_file.export_request(self._device, path, token)

    def import_answer(self, path: Path) -> SyncReport:
        """Take the answer to an exported request from a file.

        Raises:
            TransportError: ``file.unreadable``. OtherDocument: it answers something else. InterlockError: no answer.
        """
        return self._counted(by_file.import_answer(self._device, path))

    def _counted(self, report: SyncReport) -> SyncReport:
        with self._device.store.read() as connection:
            chain = journal.Chain.read(connection)
        return replace(report, unreported=chain.last - chain.covered)
