"""The counter at which devices are served: what it needs to answer, and the rates that it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from licensing_protocol.trust import Delegation
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.devices import Keys
from licensing_server.entitlements import Issuer
from licensing_server.evidence import Signing
from licensing_server.signing import Custody
from licensing_server.trust import Newest
from licensing_server.web.rate import Rate


@dataclass(frozen=True, slots=True)
class Counter:
    """Everything that an exchange uses beside the documents themselves."""

    database: Database
    keys: Keys
    settings: Settings
    issuer: Issuer
    signing: Signing
    newest: Newest
    challenge_key: bytes
    device_rate: Rate
    address_rate: Rate

    @classmethod
    def of(cls, database: Database, settings: Settings, custody: Custody, newest: Newest) -> Counter:
        """Set up the counter of a server."""
        return cls(
            database,
            Keys(database),
            settings,
            Issuer(custody.signatory(Delegation.ENTITLEMENT), settings),
            Signing(custody.signatory(Delegation.RECEIPT), settings.issuer),
            newest,
            custody.mac_key,
            Rate(settings.device_rate),
            Rate(settings.address_rate),
        )

    def admit(self, request: Request) -> None:
        """Refuse an address that asks too often.

        Raises:
            TooMany: ``rate.exceeded``.
        """
        self.address_rate.spend(request.client.host if request.client else "", clock.monotonic())

    def admit_device(self, device: str) -> None:
        """Refuse a device that reports too often; its signature is verified, so that nobody spends for another.

        Raises:
            TooMany: ``rate.exceeded``.
        """
        self.device_rate.spend(device, clock.monotonic())
