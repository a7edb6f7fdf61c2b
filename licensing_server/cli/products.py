"""``interlock products``: what is sold, and what each release says that it can do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, local, staff, staff_list
from licensing_server.cli.files import read_object, read_passphrase, write_secret
from licensing_server.cli.output import Output

products = typer.Typer(help="Products, their vendor keys, and the signed manifests of releases.", no_args_is_help=True)
_Product = Annotated[str, typer.Argument(help="Id of the product, such as camera.")]
_File = typer.Option(exists=True, dir_okay=False)
_Passphrase = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File with the passphrase of the vendor key.", exists=True)
]


@products.command("add")
@staff
def add(
    desk: Desk,
    product: _Product,
    name: Annotated[str, typer.Option(help="Name for people.")],
    vendor_key: Annotated[
        Path, typer.Option(help="File with the vendor's public key (JWK), as vendor-key writes it.", exists=True)
    ],
) -> None:
    """Add a product. Every release of it must be signed by this vendor key.

    Example:  interlock products add camera --name "Gate camera" --vendor-key vendor.jwk.json
    """
    body = {"id": product, "name": name, "vendor_key": read_object(vendor_key)}
    desk.output.record(desk.client.post("/v1/products", body))


@products.command("list")
@staff_list
def list_products(desk: ListDesk) -> None:
    """List the products.

    Example:  interlock products list
    """
    desk.show("/v1/products", ("id", "name", "created_at"))


@products.command("show")
@staff
def show(desk: Desk, product: _Product) -> None:
    """Show a product with its releases.

    Example:  interlock products show camera
    """
    path = f"/v1/products/{segment(product)}"
    found = desk.client.get(path)
    releases, _ = desk.client.items(f"{path}/releases", most=None)
    if desk.output.as_json:
        desk.output.json(found | {"releases": releases})
        return
    desk.output.record(found)
    desk.output.rows(releases, ("release", "manifest", "registered_at"))


@products.command("release")
@staff
def release(
    desk: Desk,
    product: _Product,
    manifest: Annotated[Path, typer.Argument(help="File that the command manifest wrote.", exists=True)],
) -> None:
    """Register the signed manifest of a release; devices that run it can be granted what it names.

    Example:  interlock products release camera camera-1.0.jwt
    """
    body = {"manifest": manifest.read_text("utf-8").strip()}
    desk.output.record(desk.client.post(f"/v1/products/{segment(product)}/releases", body))


@products.command("vendor-key")
@local
def vendor_key(
    output: Output,
    private: Annotated[Path, typer.Argument(help="New file for the private key, such as vendor.pem.")],
    passphrase_file: _Passphrase = None,
) -> None:
    """Make a vendor key: the private one for signing manifests, and beside it the public one to give away.

    The private key never leaves this machine. Keep it where your build signs releases.

    Example:  interlock products vendor-key vendor.pem
    """
    from licensing_protocol.keys import SoftwareSigner

    signer = SoftwareSigner.generate()
    public = private.with_suffix(".jwk.json")
    write_secret(private, signer.to_pem(read_passphrase(passphrase_file)).decode("ascii"))
    from licensing_protocol import canonical

    public.write_bytes(canonical.encode(signer.key.jwk) + b"\n")
    output.record({"private": str(private), "public": str(public), "jwk": signer.key.jwk})


@products.command("manifest")
@staff
def manifest(
    desk: Desk,
    description: Annotated[Path, typer.Argument(help="JSON that describes the release; see below.", exists=True)],
    key: Annotated[Path, typer.Option(help="The vendor's private key, as vendor-key writes it.", exists=True)],
    out: Annotated[Path, typer.Option(help="File to write the signed manifest to.")],
    passphrase_file: _Passphrase = None,
) -> None:
    """Build and sign the manifest of a release, here, from a description and the server's root of trust.

    The description names issuer, product, release, capabilities, and where wanted safety (functions that are never
    gated), servers (else --server) and measure, a list of {name, kind, path} with the kinds file, tree and setting.

    Example:  interlock products manifest camera.json --key vendor.pem --out camera-1.0.jwt
    """
    from licensing_server.cli.manifests import signed_manifest

    signed = signed_manifest(
        read_object(description),
        root=desk.client.get("/v1/trust/1.root.json"),
        server=desk.client.server,
        key=key.read_bytes(),
        passphrase=read_passphrase(passphrase_file),
    )
    out.write_text(signed.text + "\n", "ascii")
    desk.output.record({"file": str(out), "product": signed.product, "release": signed.release, "manifest": signed.id})
