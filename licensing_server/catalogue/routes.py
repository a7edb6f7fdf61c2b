"""Reading and keeping the catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import select

from licensing_server.catalogue import capabilities, products, provisos
from licensing_server.catalogue.regions import Regions
from licensing_server.catalogue.schemas import (
    CapabilityReply,
    NewCapability,
    NewProduct,
    NewProviso,
    NewRelease,
    ProductId,
    ProductReply,
    ProvisoReply,
    RegionReply,
    ReleaseReply,
    ZoneReply,
)
from licensing_server.catalogue.tables import Product, Proviso, Release
from licensing_server.config import Settings
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1", tags=["catalogue"])
Reader = Annotated[Access, requires(*Role)]
Compliance = Annotated[Access, requires(Role.COMPLIANCE)]
Vendor = Annotated[Access, requires(Role.VENDOR, Role.COMPLIANCE)]
RegionCode = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,12}$")]


@router.get("/capabilities")
def list_capabilities(access: Reader) -> list[CapabilityReply]:
    """List every capability: the shared first edition, and what vendors added."""
    with access.read() as act:
        return [CapabilityReply.model_validate(known) for known in capabilities.all_capabilities(act.session)]


@router.post("/capabilities", status_code=201, response_model=CapabilityReply)
def add_capability(access: Vendor, body: NewCapability) -> Response:
    """Add a vendor's own capability."""
    return access.change(
        lambda act: CapabilityReply.model_validate(capabilities.add(act, **body.model_dump())), status=201
    )


@router.get("/products")
def list_products(access: Reader, cursor: Cursor) -> Page[ProductReply]:
    """List products."""
    with access.read() as act:
        found, following = page_of(act.session, select(Product), (Product.id,), cursor)
        return Page(items=[ProductReply.model_validate(product) for product in found], next=following)


@router.post("/products", status_code=201, response_model=ProductReply)
def add_product(access: Vendor, body: NewProduct) -> Response:
    """Add a product with its vendor's public key."""
    return access.change(
        lambda act: ProductReply.model_validate(products.add_product(act, body.id, body.name, body.vendor_key)),
        status=201,
    )


@router.get("/products/{product}")
def read_product(access: Reader, product: ProductId) -> ProductReply:
    """Read a product."""
    with access.read() as act:
        return ProductReply.model_validate(products.product_of(act.session, product))


@router.get("/products/{product}/releases")
def list_releases(access: Reader, product: ProductId, cursor: Cursor) -> Page[ReleaseReply]:
    """List the releases of a product."""
    with access.read() as act:
        rows = select(Release).where(Release.product == product)
        found, following = page_of(act.session, rows, (Release.registered_at, Release.manifest), cursor)
        return Page(items=[ReleaseReply.model_validate(release) for release in found], next=following)


@router.post("/products/{product}/releases", status_code=201, response_model=ReleaseReply)
def register_release(access: Vendor, request: Request, product: ProductId, body: NewRelease) -> Response:
    """Register the vendor-signed manifest of a release."""
    settings: Settings = request.app.state.settings

    def register(act: Act) -> ReleaseReply:
        manifest = products.read_manifest(products.product_of(act.session, product), body.manifest)
        return ReleaseReply.model_validate(products.register_release(act, manifest, body.manifest, settings.issuer))

    return access.change(register, status=201)


@router.get("/provisos")
def list_provisos(access: Reader, cursor: Cursor) -> Page[ProvisoReply]:
    """List provisos."""
    with access.read() as act:
        found, following = page_of(act.session, select(Proviso), (Proviso.created_at, Proviso.id), cursor)
        return Page(items=[ProvisoReply.model_validate(proviso) for proviso in found], next=following)


@router.post("/provisos", status_code=201, response_model=ProvisoReply)
def add_proviso(access: Compliance, body: NewProviso) -> Response:
    """Add a proviso."""
    return access.change(lambda act: ProvisoReply.model_validate(provisos.add(act, **body.model_dump())), status=201)


@router.get("/provisos/{proviso}")
def read_proviso(access: Reader, response: Response, proviso: Identifier) -> ProvisoReply:
    """Read a proviso; its ETag is what an edit must name."""
    with access.read() as act:
        found = ProvisoReply.model_validate(provisos.proviso_of(act.session, proviso))
        response.headers["ETag"] = f'"{found.version}"'
        return found


@router.put("/provisos/{proviso}", response_model=ProvisoReply)
def edit_proviso(access: Compliance, proviso: Identifier, body: NewProviso) -> Response:
    """Change a proviso; it takes effect where entitlements are issued from now on."""
    version = access.expected_version()
    return access.change(
        lambda act: ProvisoReply.model_validate(provisos.edit(act, proviso, version, **body.model_dump()))
    )


@router.get("/regions")
def list_regions(access: Reader) -> list[RegionReply]:
    """List the regions that an area may name."""
    with access.read():
        return [RegionReply.model_validate(region) for region in Regions.load().all()]


@router.get("/regions/{code}")
def read_region(access: Reader, code: RegionCode) -> ZoneReply:
    """Read the zone that a region becomes in an entitlement."""
    with access.read():
        zone = Regions.load().zone(code)
        return ZoneReply(zone=zone.to_claims(), positions=zone.positions)
