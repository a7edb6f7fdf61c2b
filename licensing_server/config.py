"""Every setting of the server, in one class: from the environment (``INTERLOCK_…``) or from ``interlock.env``."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is the environment variable ``INTERLOCK_`` plus its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="INTERLOCK_", extra="ignore")

    data_dir: Path = Field(Path("interlock-data"), description="Folder of the keys and, by default, the database.")
    database_url: str | None = Field(
        None,
        # It may hold a password.
        repr=False,
        description="SQLAlchemy address of the database: absent for SQLite in the data folder, or "
        "`postgresql+psycopg://user@host/name`.",
    )
    key_passphrase: SecretStr | None = Field(
        None, description="Passphrase of the signing keys; absent, it is read from `passphrase` in the data folder."
    )
    signing: Literal["file", "pkcs11"] = Field(
        "file", description="Where the signing keys are kept: `file` (encrypted) or `pkcs11` (a token)."
    )
    pkcs11_module: Path | None = Field(None, description="Library of the token, such as libsofthsm2.so.")
    pkcs11_token: str = Field("interlock", min_length=1, max_length=32, description="Label of the token.")
    pkcs11_pin: SecretStr | None = Field(None, description="PIN of the token's user.")
    issuer: str = Field("exporter", min_length=1, max_length=200, description="Name of the exporter in documents.")
    public_url: str = Field("http://127.0.0.1:8470", description="Address at which devices reach this server.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8470, ge=0, le=65535, description="Port to listen on; 0 for any free one.")
    behind_tls: bool = Field(
        False, description="Set where a proxy in front ends TLS: allows an address other than loopback."
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses whose X-Forwarded-For is believed, separated by commas."
    )
    body_limit: int = Field(2_500_000, ge=100_000, description="Most bytes of a request body.")
    device_rate: int = Field(60, ge=1, description="Most check-ins of one device in a minute.")
    address_rate: int = Field(1200, ge=1, description="Most device requests of one address in a minute.")
    waiters: int = Field(10_000, ge=0, description="Most requests that wait for a status list, in all.")
    waiters_per_address: int = Field(1_000, ge=0, description="Most requests of one address that wait.")
    status_ttl: int = Field(300, ge=1, description="Seconds for which a status list may be cached.")
    status_resign: int = Field(3_600, ge=10, description="Seconds after which an unchanged status list is signed anew.")
    status_lifetime: int = Field(86_400, ge=60, description="Seconds until a status list expires.")
    enrolment_days: int = Field(30, ge=1, le=365, description="Days until an enrolment token expires, if not said.")
    token_days: int = Field(90, ge=1, le=366, description="Most days that an API token lives.")
    renewal_share: float = Field(
        0.5, gt=0, lt=1, description="Share of an entitlement's life after which a check-in brings a renewed one."
    )
    order_devices: int = Field(
        25,
        ge=0,
        description="Most devices that one person's orders of a day may reach; above, a second person must confirm.",
    )
    order_grants: int = Field(
        100,
        ge=0,
        description="Most grants that one person's orders of a day may reach; above, a second person must confirm.",
    )
    confirm_hours: int = Field(24, ge=1, description="Hours in which an order that waits must be confirmed.")
    emergency_hours: int = Field(24, ge=1, description="Hours after which an unconfirmed emergency order lapses.")
    four_eyes_hours: int = Field(
        24, ge=0, description="Hours that a second person, their role and their token must have been there."
    )
    followers: int = Field(100, ge=0, description="Most clients that follow orders live, in all.")
    unheard_hours: int = Field(24, ge=1, description="Hours of silence after which a device counts as unreachable.")
    quarantine_hours: int = Field(72, ge=1, description="Hours after which an unconfirmed quarantine lapses.")
    repeated_denials: int = Field(
        5,
        ge=1,
        description="Denials of one capability in one hour, or because of the place in a day, that open a case.",
    )
    fresh_seconds: int = Field(86_400, ge=1, description="Age of its nonce up to which evidence counts as fresh.")
    appeal: str = Field(
        "the exporter's compliance office", min_length=1, max_length=300, description="Where an operator may appeal."
    )
    log_origin: str | None = Field(
        None,
        pattern=r"^[^\s+]{1,200}$",
        description="Name under which the log is signed, for ever: absent, the host of `public_url` and `/log`.",
    )
    log_public: bool = Field(False, description="Let everybody read `/log/…`; else auditors, with their tokens.")
    log_policy: Path | None = Field(
        None, description="tlog-policy file of the witnesses that are asked to cosign the log, and of their quorum."
    )
    quorum_orders: bool = Field(
        False, description="Let revocations, limits and reinstatements wait for the quorum; suspensions never wait."
    )
    quorum_issuances: bool = Field(
        False, description="Send an entitlement to its device only once the quorum has seen that it was issued."
    )
    quorum_wait: int = Field(
        600, ge=1, le=86_400, description="Seconds after which what waits for the quorum goes on without it."
    )
    log_json: bool = Field(True, description="Write logs as JSON lines; else for people to read.")

    @property
    def url(self) -> str:
        """The database's address, resolved."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'interlock.db').absolute()}"

    @property
    def origin(self) -> str:
        """The name under which a log that begins now is signed: where it is read, without the scheme."""
        host = urlsplit(self.public_url).netloc.rpartition("@")[2]
        return self.log_origin or f"{host or quote(self.issuer)}/log"

    @property
    def binds_publicly(self) -> bool:
        """Whether others than this machine can reach the server without TLS in front."""
        if self.behind_tls or self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True
