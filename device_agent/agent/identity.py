"""Who the device is, found when first needed: a store that cannot be read keeps no product from opening."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from device_agent.agent.late import importing
from device_agent.attestation import SoftwareAttester
from device_agent.clock import Clock
from device_agent.store import Store
from device_agent.trusted_state import Subject, load_walk
from licensing_protocol.keys import Signer, VerificationKey
from licensing_protocol.manifest import Manifest

if TYPE_CHECKING:
    from device_agent.exchange import Exchange, Transport


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

    def exchange(self, store: Store, clock: Clock, transport: Transport | None) -> Exchange:
        """Return the device's side of the exchange, by HTTP without a ``transport``; StoreError as :meth:`signer`."""
        # Loaded by the first exchange, and not by every start.
        with importing():
            from device_agent.exchange import Device, Exchange, HttpTransport
            from device_agent.outbox import Surroundings

            load_walk()

        # The vendor is known by its key, and the machine by what its kernel says of it.
        surroundings = Surroundings(oem=self._vendor.thumbprint, model=os.uname().machine or "unknown")
        return Exchange(Device(store, self.subject(), self.signer(), clock, surroundings), transport or HttpTransport())
