"""Capabilities, products and their releases, provisos, regions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import shapely
from httpx2 import Response
from shapely.geometry import shape

from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.limits import Area, Fix, Whereabouts, Zone
from licensing_protocol.trust import PinnedRoot
from licensing_server import clock
from licensing_server.catalogue import Regions, first_edition
from licensing_server.trust.ceremony import Ceremony
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, PLAN, Exporter

FIRST_EDITION = """
intrusion.implant_deploy .remote_exec .mic_cam_activate .data_exfil .target_add
crypto.key_recovery forensic.lock_bypass .full_extract .cloud_extract
dpi.classify .block_url .content_extract .inject .custom_rule
netmon.hard_selector .relation_map .metadata_store .li_handover
loc.imsi_catch .silent_ping .history_export .geofence_alert
alpr.plate_read .hotlist_match .journey_history_export .federated_share .external_hotlist .bulk_search
bwc.record .live_stream .remote_activate .face_watchlist .evidence_delete
uav.bvlos .follow_target .stream_relay .thermal_payload .swarm
face.verify_1to1 .identify_1toN .crowd_scan .watchlist_add .attribute_ethnicity .emotion
thermal.fps_over_9hz .radiometric .long_range .human_track
osint.keyword_watch .person_profile .network_graph .deanonymise
av.record .remote_listen .remote_view .covert_mode .cloud_relay
admin.export_bulk .interop_api .retention_extend .audit_disable update.feature_add
"""
PROVISO = {"name": "Two operators", "description": "Never alone.", "limits": {"operators": {"distinct": 2}}}


def test_the_whole_first_edition_is_there_and_each_says_why_it_is_sensitive(sqlite_exporter: Exporter) -> None:
    listed = sqlite_exporter.get("/v1/capabilities", Role.VENDOR)
    assert {capability["id"] for capability in listed} == set(_first_edition())
    kinds = {
        "period", "schedule", "area", "quota", "parameters", "authority", "operators", "platform"
    }  # fmt: skip
    for capability in listed:
        assert capability["description"]
        assert capability["misuse"]
        assert set(capability["suggested_limits"]) <= kinds
        assert capability["suggested_limits"]
        assert capability["red_flags"]
        # Controls concern kinds of products; what any product may have carries no label.
        assert bool(capability["control_labels"]) == (capability["family"] != "Any product")
        assert capability["confidence"] in {"low", "medium", "high", ""}


def test_a_vendor_adds_its_own_capability_and_can_be_granted_it(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    added = {"id": "acme.zoom", "family": "Acme", "description": "Zooms very far.", "misuse": "Sees into homes."}
    plan: dict[str, Any] = {"grants": {"acme.zoom": {}}}
    assert _refusal(exporter.ask("POST", "/v1/enrolment-tokens", json=_token(exporter, plan))) == "plan.capability"
    assert exporter.post("/v1/capabilities", added, Role.VENDOR)["id"] == "acme.zoom"
    assert _refusal(exporter.ask("POST", "/v1/capabilities", Role.VENDOR, json=added)) == "capability.exists"
    exporter.token(plan)


def test_a_product_keeps_the_vendor_key_that_it_came_with(exporter: Exporter) -> None:
    another = {"id": "camera", "name": "Camera", "vendor_key": SoftwareSigner.generate().key.jwk}
    assert _refusal(exporter.ask("POST", "/v1/products", Role.VENDOR, json=another)) == "product.exists"
    assert exporter.get("/v1/products/camera")["vendor_key"] == exporter.vendor.key.jwk
    keyless = another | {"id": "other", "vendor_key": {"kty": "OKP"}}
    assert exporter.ask("POST", "/v1/products", Role.VENDOR, json=keyless).status_code == 422
    assert [product["id"] for product in exporter.get("/v1/products")["items"]] == ["camera"]


def test_a_release_is_what_the_vendor_signed_and_only_that(exporter: Exporter) -> None:
    manifest = exporter.product_manifest
    refused = {
        "trust.unknown_key": manifest("2.0").sign(SoftwareSigner.generate()),
        "trust.bad_signature": manifest("2.0").sign(exporter.vendor)[:-8] + "AAAAAAAA",
        "manifest.product": manifest("2.0", product="another").sign(exporter.vendor),
        "manifest.issuer": manifest("2.0", issuer="somebody else").sign(exporter.vendor),
        "manifest.root": manifest("2.0", root=_another_root()).sign(exporter.vendor),
        "manifest.capability": manifest("2.0", capabilities=frozenset({"acme.unknown"})).sign(exporter.vendor),
        "token.segments": "not a document",
        "release.exists": manifest("1.0", servers=("https://other.example",)).sign(exporter.vendor),
    }
    for code, text in refused.items():
        answer = exporter.ask("POST", "/v1/products/camera/releases", Role.VENDOR, json={"manifest": text})
        assert _refusal(answer) == code
    assert [release["release"] for release in _releases(exporter)] == ["1.0"]


def test_the_same_release_again_is_the_same(exporter: Exporter) -> None:
    text = exporter.product_manifest("2.0").sign(exporter.vendor)
    first, again = (exporter.post("/v1/products/camera/releases", {"manifest": text}, Role.VENDOR) for _ in range(2))
    assert first == again
    assert sorted(release["release"] for release in _releases(exporter)) == ["1.0", "2.0"]


def test_a_proviso_is_edited_by_version(exporter: Exporter) -> None:
    made = exporter.post("/v1/provisos", PROVISO)
    path = f"/v1/provisos/{made['id']}"
    assert exporter.ask("GET", path).headers["ETag"] == '"1"'
    edit = PROVISO | {"limits": {"operators": {"distinct": 3}}}
    assert _refusal(exporter.ask("PUT", path, json=edit)) == "edit.no_version"
    edited = exporter.ask("PUT", path, json=edit, headers={"If-Match": '"1"'})
    assert (edited.json()["version"], edited.headers["ETag"]) == (2, '"2"')
    assert _refusal(exporter.ask("PUT", path, json=PROVISO, headers={"If-Match": '"1"'})) == "edit.conflict"
    assert exporter.get(path)["limits"] == edit["limits"]
    exporter.post("/v1/provisos", PROVISO | {"name": "Another"})
    taken = exporter.ask("PUT", path, json=PROVISO | {"name": "Another"}, headers={"If-Match": '"2"'})
    assert _refusal(taken) == "proviso.exists"
    assert _refusal(exporter.ask("PUT", "/v1/provisos/p1", json=edit, headers={"If-Match": '"1"'})) == "proviso.unknown"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"moon": {"phase": "full"}}, "limit.unsupported"),
        ({"operators": {"distinct": "two"}}, "field.type"),
        ({"quota": {"id": "q", "uses": 1, "per": "P1M", "anchor": 0}}, "quota.per"),
    ],
)
def test_a_proviso_that_no_device_could_read_is_refused(
    sqlite_exporter: Exporter, limits: dict[str, Any], code: str
) -> None:
    assert _refusal(sqlite_exporter.ask("POST", "/v1/provisos", json=PROVISO | {"limits": limits})) == code


def test_a_border_that_crosses_itself_is_refused_where_it_is_drawn(sqlite_exporter: Exporter) -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    zones = {"bow": {"name": "Bow", "geometry": bow, "source": "drawn", "accuracy_m": 0, "pov": "none"}}
    area = {"area": {"allow": ["bow"], "deny": [], "max_age": 60, "max_uncertainty_m": 100}}
    drawn = sqlite_exporter.ask("POST", "/v1/provisos", json=PROVISO | {"limits": area, "zones": zones})
    assert _refusal(drawn) == "zone.geometry"
    plan = {"zones": zones, "grants": {CAPABILITY: {"limits": area}}}
    asked = sqlite_exporter.ask("POST", "/v1/enrolment-tokens", json=_token(sqlite_exporter, plan))
    assert _refusal(asked) == "limit.unsupported"


def test_provisos_add_their_limits_and_a_conflict_says_so(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    proviso = exporter.post("/v1/provisos", PROVISO)["id"]
    device = exporter.device({"grants": {CAPABILITY: {"provisos": [proviso]}}})
    assert device.entitlement is not None
    assert device.entitlement["grants"][CAPABILITY]["limits"] == {"operators": {"distinct": 2}}
    conflict = {"grants": {CAPABILITY: {"provisos": [proviso], "limits": {"operators": {"distinct": 5}}}}}
    assert _refusal(exporter.ask("POST", "/v1/enrolment-tokens", json=_token(exporter, conflict))) == "plan.conflict"
    unknown = {"grants": {CAPABILITY: {"provisos": ["proviso_x"]}}}
    assert _refusal(exporter.ask("POST", "/v1/enrolment-tokens", json=_token(exporter, unknown))) == "proviso.unknown"


@pytest.mark.parametrize(("code", "latitude"), [("RU", 66.5), ("FJ", -16.8), ("AQ", -80.0)])
@pytest.mark.parametrize("longitude", [179.99, 180.0, -180.0, -179.99])
def test_a_country_goes_on_across_the_antimeridian(code: str, latitude: float, longitude: float) -> None:
    zone = Regions.load().zone(code)
    area = Area((code,), (), 60, 100.0).compile({code: zone})
    assert area.where(Fix(latitude, longitude, 50.0)) is Whereabouts.IN


@pytest.mark.parametrize(
    ("code", "inside", "outside"),
    [
        ("FR", (2.35, 48.85), (7.42, 43.735)),  # without the enclave Monaco
        ("us", (-77.04, 38.9), (-79.38, 43.65)),
        ("EU", (13.4, 52.5), (8.55, 47.37)),
        ("FJ", (178.0, -17.8), (170.0, -17.8)),
        ("RU", (-171.0, 66.0), (-165.4, 64.5)),  # beyond the antimeridian
        ("IT", (12.5, 41.9), (12.453, 41.903)),  # without the enclave of the Vatican
        ("LS", (27.48, -29.31), (26.21, -29.12)),
        ("GB-ENG", (-1.5, 52.5), (-3.19, 55.95)),
    ],
)
def test_a_region_is_cut_to_valid_polygons(
    code: str, inside: tuple[float, float], outside: tuple[float, float]
) -> None:
    zone = Regions.load().zone(code)
    geometry = shape(zone.geometry)
    assert geometry.is_valid
    assert Zone.parse(zone.to_claims()) == zone
    assert zone.positions == sum(len(part.exterior.coords) + sum(len(ring.coords) for ring in part.interiors)
                                 for part in shapely.get_parts(geometry))  # fmt: skip
    assert geometry.contains(shapely.Point(inside))
    assert not geometry.contains(shapely.Point(outside))


def test_every_region_that_is_listed_can_be_cut_and_granted(sqlite_exporter: Exporter) -> None:
    regions = {region["code"]: region for region in sqlite_exporter.get("/v1/regions", Role.VENDOR)}
    assert {"FR", "US", "EU", "FJ", "RU", "VA", "LS"} <= set(regions)
    zone = sqlite_exporter.get("/v1/regions/LS", Role.VENDOR)
    assert zone["zone"]["name"] == "Lesotho"
    assert zone["zone"]["accuracy_m"] > 0
    assert zone["zone"]["source"].startswith("rapideditor/country-coder")
    assert zone["positions"] > 10
    assert _refusal(sqlite_exporter.ask("GET", "/v1/regions/XX")) == "region.unknown"
    area = {"area": {"allow": ["LS"], "deny": [], "max_age": 60, "max_uncertainty_m": 50}}
    device = sqlite_exporter.device({"grants": {CAPABILITY: {"limits": area}}})
    assert device.entitlement is not None
    assert device.entitlement["zones"]["LS"] == zone["zone"]


def test_the_borders_name_their_source_and_licence() -> None:
    note = (Path(__file__).parents[2] / "licensing_server/catalogue/BORDERS-LICENCE.md").read_text("utf-8")
    assert "ISC" in note
    assert "country-coder" in note


def _first_edition() -> list[str]:
    found: list[str] = []
    for name in re.findall(r"\S+", FIRST_EDITION):
        found.append(name if not name.startswith(".") else found[-1].split(".")[0] + name)
    assert set(found) == set(first_edition())
    return found


def _token(exporter: Exporter, plan: Any = PLAN) -> dict[str, Any]:
    return {"product": "camera", "end_user": exporter.end_user, "authorisation": "EX-1", "plan": plan}


def _releases(exporter: Exporter) -> list[Any]:
    releases: list[Any] = exporter.get("/v1/products/camera/releases")["items"]
    return releases


def _another_root() -> PinnedRoot:
    return PinnedRoot.parse(Ceremony.hold(clock.now()).root)


def _refusal(response: Response) -> str:
    assert 400 <= response.status_code < 500, response.text
    assert response.headers["content-type"] == "application/problem+json"
    code: str = response.json()["code"]
    return code
