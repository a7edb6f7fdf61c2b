"""Row 17: borders, enclaves, disputed land and the sea. Out or uncertain by a policy that the entitlement states."""

from __future__ import annotations

from licensing_protocol.canonical import JsonObject
from tests.scenarios.device import Device, Position
from tests.scenarios.field import Field
from tests.scenarios.office import IDENTIFY, RECORD
from tests.scenarios.places import within

_COARSE = {"count_only": True}
_INLAND: dict[str, Position] = {"Bern": (46.948, 7.447), "Amsterdam": (52.37, 4.89), "Kyiv": (50.45, 30.52)}
# Another country's ground within one, or a border nearer than the data can tell.
_UNCERTAIN: dict[str, Position] = {
    "Büsingen, German, within Switzerland": (47.697, 8.690),
    "Campione, Italian, within Switzerland": (45.968, 8.971),
    "Geneva, at the French border": (46.2381, 6.1089),
    "Baarle-Hertog, Belgian, within the Netherlands": (51.4406, 4.9320),
}
_OUT: dict[str, Position] = {
    "Simferopol, claimed by Ukraine": (44.95, 34.10),
    "Kyrenia, claimed by Cyprus": (35.33, 33.32),
    "the North Sea, between the zones": (54.5, 4.0),
    "the Bay of Biscay": (45.5, -5.0),
}
_AT_SEA_AND_IN = {"ten kilometres off the Dutch coast, in its territorial sea": (52.37, 4.35)}


def test_each_country_by_itself_follows_the_policy_that_the_entitlement_states(field: Field) -> None:
    device = field.device(_within("CH"))
    (held,) = field.office.get(f"/v1/devices/{device.id}/entitlements")["items"]
    zone = held["claims"]["zones"]["CH"]
    assert zone["pov"].startswith("de facto control")
    assert zone["accuracy_m"] > 0
    assert zone["source"]
    assert _codes(device, _INLAND) == {"Bern": "granted", "Amsterdam": "area.outside", "Kyiv": "area.outside"}


def test_places_on_which_maps_differ_are_out_or_uncertain(field: Field) -> None:
    device = field.device(_within("CH", "CY", "NL", "UA"))
    assert set(_codes(device, _INLAND | _AT_SEA_AND_IN).values()) == {"granted"}
    assert _codes(device, _OUT) == dict.fromkeys(_OUT, "area.outside")
    for name, position in _UNCERTAIN.items():
        device.locate(position)
        assert device.use(RECORD)["code"] == "area.uncertain", name
        assert device.use(IDENTIFY) == {"granted": True, "degraded": _COARSE, "code": "area.uncertain"}, name


def _within(*countries: str) -> dict[str, JsonObject]:
    area = {"area": within(*countries)}
    return {RECORD: {"limits": area}, IDENTIFY: {"limits": area, "on_unknown": {"degrade": _COARSE}}}


def _codes(device: Device, places: dict[str, Position]) -> dict[str, str]:
    found = {}
    for name, position in places.items():
        device.locate(position)
        found[name] = str(device.use(RECORD)["code"])
    return found
