"""Who the device is, found when first needed: a store that cannot be read keeps no product from opening."""

from __future__ import annotations

import platform
from pathlib import Path

from device_agent.attestation import SoftwareAttester
from device_agent.clock import Clock
from device_agent.exchange import Device, Exchange, Transport
from device_agent.outbox import Surroundings
from device_agent.store import Store
from device_agent.trusted_state import Subject
from licensing_protocol.keys import Signer, VerificationKey
from licensing_protocol.manifest import Manifest


class Identity:
    """The device's key with the product's manifest."""

    def __init__(self, folder: Path, manifest: Manifest, vendor: VerificationKey) -> None:
        self._folder = folder
        self._manifest = manifest
        self._vendor = vendor
        self._signer: Signer | None = None

    def signer(self) -> Signer:
        """Return the signer of the device's key; StoreError where it cannot be had."""
        if self._signer is None:
            self._signer = SoftwareAttester.open(self._folder).signer()
        return self._signer

    def subject(self) -> Subject:
        """Return what documents are held against; StoreError as :meth:`signer`."""
        return Subject.of(self._manifest, self.signer().key)

    def exchange(self, store: Store, clock: Clock, transport: Transport) -> Exchange:
        """Return the device's side of the exchange; StoreError as :meth:`signer`."""
        # The vendor is known by its key, and the machine by what its kernel says of it.
        surroundings = Surroundings(oem=self._vendor.thumbprint, model=platform.machine() or "unknown")
        return Exchange(Device(store, self.subject(), self.signer(), clock, surroundings), transport)
