"""The set-ups in which a page's Python runs: the names that a reader would have at hand, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from licensing_protocol.canonical import decode_object, from_base64url
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.manifest import Component
from tests.docs.live import PRODUCT, Exporter
from tests.docs.pages import Block

_TOKEN = "token_from_the_exporter"


class Nothing:
    """Only what is installed."""

    def __init__(self, exporter: Exporter, folder: Path, page: str) -> None:
        self.names: dict[str, Any] = {"__name__": "example"}

    def before(self, block: Block) -> None:
        """Do what somebody else does before the reader goes on."""

    def after(self) -> None:
        """Close what a page left open."""


class Product(Nothing):
    """A vendor's side: a product folder, an exporter to register with, and the product's own functions."""

    def __init__(self, exporter: Exporter, folder: Path, page: str) -> None:
        super().__init__(exporter, folder, page)
        self._exporter = exporter
        self._product = page
        self._vendor = SoftwareSigner.generate()
        (folder / "product" / "models").mkdir(parents=True)
        (folder / "product" / "rules.json").write_text('{"match": 0.8}')
        self.names |= {
            "root_of_the_exporter": exporter.root,
            "address_of_the_exporter": exporter.address,
            "vendor": self._vendor,
            "sign_manifest": self._sign,
            "compare_the_two_faces": lambda: True,
            "search_the_gallery": lambda most: ["candidate"] * most,
            "show_the_operator": lambda sentence: None,
        }

    def before(self, block: Block) -> None:
        """Let the exporter register what the vendor signed, and make a token, before the page uses one."""
        if _TOKEN in block.text and _TOKEN not in self.names:
            self.names[_TOKEN] = self._exporter.token(self._registered())

    def after(self) -> None:
        """Close the agent."""
        if "agent" in self.names:
            self.names["agent"].close()

    def _registered(self) -> str:
        text = self.names.get("manifest")
        if text is None:
            self._exporter.add_product(self._product, self._vendor.key)
            self._exporter.release(self._product, self._vendor, "1.0")
            return self._product
        product: str = decode_object(from_base64url(text.split(".")[1]))["product"]
        self._exporter.add_product(product, self.names["vendor"].key)
        self._exporter.register(product, text)
        return product

    def _sign(self, measure: tuple[Component, ...] = ()) -> str:
        return self._exporter.release(self._product, self._vendor, "1.1", *measure)


class Signed(Product):
    """As :class:`Product`, with the manifest signed and registered already."""

    def __init__(self, exporter: Exporter, folder: Path, page: str) -> None:
        super().__init__(exporter, folder, page)
        exporter.add_product(page, self._vendor.key)
        self.names["manifest"] = exporter.release(page, self._vendor, "1.0")


WORLDS: dict[str, type[Nothing]] = {"": Nothing, "product": Product, "signed": Signed}


def plan_is_accepted(exporter: Exporter, text: str) -> None:
    """Approve a plan by making a token with it."""
    assert exporter.token(PRODUCT, decode_object(text.encode("utf-8")))


TESTS: dict[str, Callable[[Exporter, str], None]] = {"plan_is_accepted": plan_is_accepted}
