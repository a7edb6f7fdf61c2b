"""The catalogue: capabilities, products and their releases, reusable limit sets, regions."""

from licensing_server.catalogue.capabilities import Capability, first_edition
from licensing_server.catalogue.products import release_of
from licensing_server.catalogue.provisos import proviso_of
from licensing_server.catalogue.regions import Regions

__all__ = ["Capability", "Regions", "first_edition", "proviso_of", "release_of"]
