"""The entitlement: what one device may do, for whom, within which limits (protocol §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from licensing_protocol import token, trust
from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.capability import parse_id
from licensing_protocol.errors import MalformedDocument, WrongDocument
from licensing_protocol.fields import Fields
from licensing_protocol.grant import Grant
from licensing_protocol.keys import Signer
from licensing_protocol.limits.zone import Zone
from licensing_protocol.manifest import MAX_NAME, Manifest
from licensing_protocol.token import TokenType
from licensing_protocol.trust import RootOfTrust

MAX_POSITIONS = 50_000
_MAX_GRANTS = 1000
_MAX_RELEASES = 1000
_MAX_ZONES = 1000


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A verified entitlement. ``identity`` is empty while it is only being composed.

    ``device`` (``sub``) and ``device_key`` (``cnf.jkt``) bind it to one device; ``version`` (``ver``) never falls.
    A capability that is absent from ``grants`` is stripped.
    """

    issuer: str
    issued_at: int
    not_before: int
    expires: int
    id: str
    device: str
    device_key: str
    version: int
    product: str
    releases: frozenset[str]
    manifest: str
    authorisation: str
    end_user: str
    zones: Mapping[str, Zone]
    grants: Mapping[str, Grant]
    log: str | None = None
    identity: str = ""

    @classmethod
    def parse(cls, claims: Any, identity: str = "") -> Entitlement:
        """Read the claims strictly: what grants something is either understood whole or refused.

        Raises:
            MalformedDocument: a field code; ``entitlement.period`` for an end that is not after the beginning;
                ``entitlement.zone`` for a limit that names a zone that is not there; ``entitlement.positions`` for
                more than 50,000 positions.
        """
        fields = Fields(claims, "entitlement")
        confirmation, authorisation = fields.object("cnf"), fields.object("authorisation")
        entitlement = cls(
            issuer=fields.text("iss", longest=MAX_NAME),
            issued_at=fields.integer("iat"),
            not_before=fields.integer("nbf"),
            expires=fields.integer("exp"),
            id=fields.text("jti", longest=MAX_NAME),
            device=fields.text("sub", longest=MAX_NAME),
            device_key=_digest_text(confirmation, "jkt"),
            version=fields.integer("ver", least=1),
            product=fields.text("product", longest=MAX_NAME),
            releases=frozenset(fields.texts("releases", least=1, most=_MAX_RELEASES, longest=MAX_NAME)),
            manifest=_digest_text(fields, "manifest"),
            authorisation=authorisation.text("reference", longest=MAX_NAME),
            end_user=authorisation.text("end_user", longest=MAX_NAME),
            zones={zone_id: Zone.parse(zone) for zone_id, zone in fields.members("zones", most=_MAX_ZONES)},
            grants={
                parse_id(capability, "grants"): Grant.parse(grant, capability)
                for capability, grant in fields.members("grants", most=_MAX_GRANTS)
            },
            log=fields.optional("log", lambda name: fields.text(name, longest=token.size_limit(TokenType.RECEIPT))),
            identity=identity,
        )
        for reader in (confirmation, authorisation, fields):
            reader.end()
        entitlement._refuse_inconsistency()
        return entitlement

    def to_claims(self) -> JsonObject:
        """Return the claims that :meth:`parse` reads."""
        claims: JsonObject = {
            "iss": self.issuer,
            "iat": self.issued_at,
            "nbf": self.not_before,
            "exp": self.expires,
            "jti": self.id,
            "sub": self.device,
            "cnf": {"jkt": self.device_key},
            "ver": self.version,
            "product": self.product,
            "releases": sorted(self.releases),
            "manifest": self.manifest,
            "authorisation": {"reference": self.authorisation, "end_user": self.end_user},
            "zones": {zone_id: zone.to_claims() for zone_id, zone in self.zones.items()},
            "grants": {capability: grant.to_claims() for capability, grant in self.grants.items()},
        }
        if self.log is not None:
            claims["log"] = self.log
        return claims

    def sign(self, signer: Signer) -> str:
        """Return the compact JWS.

        Raises:
            MalformedDocument: what is composed here would be refused by a device.
        """
        claims = self.to_claims()
        Entitlement.parse(claims)
        return token.sign(claims, TokenType.ENTITLEMENT, signer)

    def _refuse_inconsistency(self) -> None:
        if self.expires <= self.not_before:
            raise MalformedDocument("The entitlement ends before it begins.", code="entitlement.period")
        named = {zone_id for grant in self.grants.values() for zone_id in grant.limits.zone_ids}
        if not named <= set(self.zones):
            raise MalformedDocument("A limit names a zone that the entitlement lacks.", code="entitlement.zone")
        if sum(zone.positions for zone in self.zones.values()) > MAX_POSITIONS:
            raise MalformedDocument(f"More than {MAX_POSITIONS} positions.", code="entitlement.positions")


def verify(text: str, root: RootOfTrust) -> Entitlement:
    """Verify an entitlement under the root's keys, and read it."""
    verified = trust.verify(text, TokenType.ENTITLEMENT, root)
    return Entitlement.parse(verified.claims, verified.identity)


def refuse_if_not_for(entitlement: Entitlement, manifest: Manifest, device: str, device_key: str) -> None:
    """Refuse an entitlement that another device, product or issuer should have, or that gates a safety function.

    A release or a manifest identity that does not fit is no reason to refuse the document: it denies at use, with a
    reason that the operator can act on.

    Raises:
        WrongDocument: ``entitlement.issuer``, ``entitlement.device`` or ``entitlement.product``.
        MalformedDocument: ``entitlement.safety``.
    """
    if entitlement.issuer != manifest.issuer:
        raise WrongDocument("Issued by another authority than the manifest names.", code="entitlement.issuer")
    if (entitlement.device, entitlement.device_key) != (device, device_key):
        raise WrongDocument("Issued to another device or device key.", code="entitlement.device")
    if entitlement.product != manifest.product:
        raise WrongDocument("Issued for another product.", code="entitlement.product")
    if manifest.safety & set(entitlement.grants):
        raise MalformedDocument("A safety function of the product is never gated.", code="entitlement.safety")


def _digest_text(fields: Fields, name: str) -> str:
    """Return a thumbprint or identity as its base64url text, once it is known to encode 32 bytes."""
    return to_base64url(fields.octets(name))
