"""A process that journals and reports, for tests of several on one store: ``python -m tests.simulators.reporter``."""

from __future__ import annotations

import sys
from pathlib import Path

from device_agent import journal
from device_agent.attestation import SoftwareAttester
from device_agent.clock import SystemClock
from device_agent.exchange import Device, Exchange, HttpTransport
from device_agent.outbox import Surroundings
from device_agent.store import Store
from device_agent.trusted_state import State, Subject
from licensing_protocol import manifest as manifests
from licensing_protocol.canonical import decode_object
from licensing_protocol.keys import VerificationKey


class Reporter:
    """One process's hold on a device in ``folder``: the manifest lies in it as ``manifest.jwt``."""

    def __init__(self, folder: Path) -> None:
        vendor = VerificationKey.from_jwk(decode_object((folder / "vendor.json").read_bytes()))
        manifest = manifests.verify((folder / "manifest.jwt").read_text("ascii"), vendor)
        signer = SoftwareAttester.open(folder).signer()
        self.clock = SystemClock()
        self.store = Store.open(folder)
        self.subject = Subject.of(manifest, signer.key)
        with self.store.write() as connection:
            State.begin(connection, self.subject, self.clock.read())
        device = Device(self.store, self.subject, signer, self.clock, Surroundings("vendor", "model"))
        self.exchange = Exchange(device, HttpTransport())

    def note(self, who: str, number: int) -> None:
        """Journal one event."""
        reading = self.clock.read()
        with self.store.write() as connection:
            bounds = State.load(connection, self.subject).time.bounds(reading)
            journal.append(connection, "vendor.event", {"who": who, "number": number}, bounds, reading.boot)


def main(folder: str, who: str, times: str) -> None:
    """Journal and report so many times, and say on standard output how far it got."""
    reporter = Reporter(Path(folder))
    for number in range(int(times)):
        reporter.note(who, number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        reporter.exchange.sync()


if __name__ == "__main__":
    main(*sys.argv[1:])
