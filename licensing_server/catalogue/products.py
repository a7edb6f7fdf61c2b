"""Products, and the vendor-signed manifests of their releases."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol import canonical
from licensing_protocol import manifest as manifests
from licensing_protocol.keys import VerificationKey
from licensing_protocol.manifest import Manifest
from licensing_protocol.trust.pinned import identity_of
from licensing_server import audit_log, trust
from licensing_server.catalogue.capabilities import known_capabilities
from licensing_server.catalogue.tables import Product, Release
from licensing_server.problem import Conflict, NotFound, Unprocessable, not_found
from licensing_server.web import Act


def add_product(act: Act, product_id: str, name: str, vendor_key: dict[str, Any]) -> Product:
    """Add a product; every manifest of it must be signed by ``vendor_key``.

    Raises:
        MalformedDocument: the key is none; Conflict ``product.exists``.
    """
    key = VerificationKey.from_jwk(vendor_key)
    if act.session.get(Product, product_id) is not None:
        raise Conflict("product.exists", f"The product {product_id!r} is there already.")
    product = Product(id=product_id, name=name, vendor_key=key.jwk, created_at=act.now)
    act.session.add(product)
    data = {"vendor_key": key.thumbprint}
    audit_log.record(act.session, "product.added", time=act.now, actor=act.actor, subject=product_id, data=data)
    act.session.flush()
    return product


def read_manifest(product: Product, text: str) -> Manifest:
    """Verify a manifest under the product's vendor key.

    Raises:
        InterlockError: it is no manifest of this vendor; Unprocessable ``manifest.product`` for another product's.
    """
    manifest = manifests.verify(text, VerificationKey.from_jwk(product.vendor_key))
    if manifest.product != product.id:
        raise Unprocessable("manifest.product", f"This manifest is for the product {manifest.product!r}.")
    return manifest


def register_release(act: Act, manifest: Manifest, text: str, issuer: str) -> Release:
    """Register the manifest of one release.

    Raises:
        Unprocessable: ``manifest.issuer``, ``manifest.root``, ``manifest.capability``; Conflict ``release.exists``.
    """
    _refuse_unfit(act.session, manifest, issuer)
    same = select(Release).where(Release.product == manifest.product, Release.release == manifest.release)
    held = act.session.scalar(same)
    if held is not None and held.manifest == manifest.identity:
        return held
    if held is not None:
        raise Conflict("release.exists", "This release has another manifest; give the changed product a new release.")
    release = Release(
        manifest=manifest.identity,
        product=manifest.product,
        release=manifest.release,
        text=text,
        registered_at=act.now,
    )
    act.session.add(release)
    audit_log.record(
        act.session,
        "release.registered",
        time=act.now,
        actor=act.actor,
        subject=manifest.product,
        data={"release": manifest.release, "manifest": manifest.identity},
    )
    act.session.flush()
    return release


def release_of(session: Session, manifest: str) -> Manifest:
    """Return the manifest of a registered release by its identity.

    Raises:
        NotFound: ``manifest.unknown``.
    """
    release = session.get(Release, manifest)
    if release is None:
        raise NotFound("manifest.unknown", "No release with this manifest is registered; register it first.")
    return read_manifest(session.get_one(Product, release.product), release.text)


@lru_cache(maxsize=1024)
def measured_by(manifest: str) -> frozenset[str]:
    """Return the names of the components that devices with a release measure, from its manifest as it is stored."""
    # Verified when it was registered; a device that checks in must not pay for that again.
    claims = canonical.decode_object(canonical.from_base64url(manifest.split(".")[1]))
    return frozenset(component.name for component in Manifest.parse(claims, "").measure)


def product_of(session: Session, product_id: str) -> Product:
    """Return a product.

    Raises:
        NotFound: ``product.unknown``.
    """
    product = session.get(Product, product_id)
    if product is None:
        raise not_found("product", product_id)
    return product


def _refuse_unfit(session: Session, manifest: Manifest, issuer: str) -> None:
    if manifest.issuer != issuer:
        raise Unprocessable("manifest.issuer", f"The manifest obeys {manifest.issuer!r}; this server is {issuer!r}.")
    published = trust.roots(session).get(manifest.root.version)
    if published is None or identity_of(published) != manifest.root.identity:
        sentence = "The manifest pins another root of trust than this server's; build it from /v1/trust/1.root.json."
        raise Unprocessable("manifest.root", sentence)
    unknown = manifest.capabilities - known_capabilities(session)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise Unprocessable("manifest.capability", f"Not in the catalogue, add them first: {names}.")
