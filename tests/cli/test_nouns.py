"""Keeping people, parties, products and the catalogue."""

from __future__ import annotations

import time
from pathlib import Path

from tests.cli.command_line import Staff
from tests.cli.exporter import Company, write_json


def test_a_person_gets_roles_and_a_token_rotates_it_and_leaves(ada: Staff, tmp_path: Path) -> None:
    cleo = ada.ask("people", "add", "Cleo Compliance", "--role", "compliance", "--role", "approver")
    assert cleo["roles"] == ["approver", "compliance"]
    assert ada.ask("people", "roles", cleo["id"], "--role", "auditor")["roles"] == ["auditor"]
    token_file = tmp_path / "cleo.token"
    made = ada.ask("people", "token", cleo["id"], "--days", "7", "--out", token_file)
    assert "token" not in made
    assert token_file.stat().st_mode & 0o777 == 0o600

    desk, first = Staff(ada.server, token_file), token_file.read_text()
    assert desk.ask("log", "list", "--limit", "1")["next"] is not None
    desk.ask("people", "rotate")
    assert token_file.read_text() != first
    desk.ask("log", "list", "--limit", "1")

    assert cleo["id"] in {found["id"] for found in ada.ask("people", "list", "--all")["items"]}
    assert ada.ask("people", "disable", cleo["id"])["disabled_at"] is not None
    assert desk.run("log", "list").code == 1


def test_a_token_file_is_never_overwritten(ada: Staff, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    person = ada.ask("people", "list", "--limit", "1")["items"][0]["id"]
    answer = ada.run("people", "token", person, "--out", taken)
    assert (answer.code, taken.read_text()) == (1, "mine")
    assert "file.exists" in answer.err


def test_a_party_is_edited_and_found(ada: Staff) -> None:
    party = ada.ask("parties", "add", "Harbour Trust", "--country", "PT", "--role", "consignee")
    edited = ada.ask("parties", "edit", party["id"], "--name", "Harbour Authority")
    assert (edited["name"], edited["country"], edited["role"]) == ("Harbour Authority", "PT", "consignee")
    assert ada.ask("parties", "show", party["id"]) == edited
    assert ada.ask("parties", "list", "--country", "PT")["items"] == [edited]


def test_products_and_their_releases_are_shown(ada: Staff, company: Company) -> None:
    shown = ada.ask("products", "show", "camera")
    assert [found["manifest"] for found in shown["releases"]] == [company.manifest]
    assert "camera" in {found["id"] for found in ada.ask("products", "list")["items"]}
    assert company.manifest in ada.run("products", "show", "camera").out


def test_a_manifest_says_what_its_description_lacks(ada: Staff, company: Company, tmp_path: Path) -> None:
    description = write_json(tmp_path / "camera.json", {"product": "camera", "capabilites": []})
    files = ("--key", company.folder / "vendor.pem", "--out", tmp_path / "out.jwt")
    answer = ada.run("products", "manifest", description, *files)
    assert answer.code == 2
    assert "lacks capabilities, issuer, release and it has no use for capabilites" in answer.err
    assert not (tmp_path / "out.jwt").exists()


def test_a_vendor_key_can_have_a_passphrase(ada: Staff, company: Company, tmp_path: Path) -> None:
    secret, key = tmp_path / "passphrase", tmp_path / "vendor.pem"
    secret.write_text("correct horse\n")
    ada.ask("products", "vendor-key", key, "--passphrase-file", secret)
    assert key.stat().st_mode & 0o777 == 0o600
    sign = ("products", "manifest", company.folder / "camera.json", "--key", key, "--out", tmp_path / "out.jwt")
    assert "vendor_key.unreadable" in ada.run(*sign).err
    assert ada.ask(*sign, "--passphrase-file", secret)["product"] == "camera"


def test_provisos_regions_and_capabilities(ada: Staff, tmp_path: Path) -> None:
    limits = write_json(tmp_path / "limits.json", {"limits": {"operators": {"distinct": 2}}})
    proviso = ada.ask("provisos", "add", "Two people", "--file", limits, "--description", "Never alone.")
    write_json(limits, {"limits": {"operators": {"distinct": 3}}})
    edited = ada.ask("provisos", "edit", proviso["id"], "--file", limits)
    assert (edited["description"], edited["limits"]) == ("Never alone.", {"operators": {"distinct": 3}})
    assert ada.ask("provisos", "show", proviso["id"]) == edited
    assert ada.ask("provisos", "list")["items"] == [edited]

    assert "FR" in {found["code"] for found in ada.ask("regions", "list")["items"]}
    assert ada.ask("regions", "show", "LU")["zone"]["name"] == "Luxembourg"

    about = ("--family", "Gates", "--description", "Opens every gate.", "--misuse", "Lets anybody in.")
    ada.ask("capabilities", "add", "gate.open_all", *about)
    assert "gate.open_all" in {found["id"] for found in ada.ask("capabilities", "list")["items"]}


def test_a_list_goes_on_where_it_ended(ada: Staff) -> None:
    for name in ("One", "Two", "Three"):
        ada.ask("parties", "add", name, "--country", "NZ")
    everything = ada.ask("parties", "list", "--country", "NZ", "--all")
    assert everything["next"] is None
    first = ada.ask("parties", "list", "--country", "NZ", "--limit", "2")
    rest = ada.ask("parties", "list", "--country", "NZ", "--cursor", first["next"])
    assert first["items"] + rest["items"] == everything["items"]
    assert "--cursor" in ada.run("parties", "list", "--country", "NZ", "--limit", "2").err


def test_a_value_beside_the_log_is_erased(ada: Staff) -> None:
    party = ada.ask("parties", "add", "Office of Lakes", "--country", "FR")["id"]
    index = until_logged(ada, party)
    assert ada.ask("log", "list", "--text", "office of lakes", "--subject", party)["items"][0]["index"] == index
    (value,) = ada.ask("log", "show", str(index))["values"]
    assert (value["state"], value["value"]) == ("held", "Office of Lakes")
    erased = ada.ask("log", "erase", str(index), "name", "--reason", "The office asked for it.")
    assert erased == {"index": index, "field": "name", "state": "erased"}
    assert [found["state"] for found in ada.ask("log", "show", str(index))["values"]] == ["erased"]
    again = ada.run("log", "erase", str(index), "name", "--reason", "The office asked for it.")
    assert (again.code, "value.erased" in again.err) == (1, True)


def until_logged(staff: Staff, subject: str) -> int:
    """Wait until an act about something has its index in the log."""
    deadline = time.monotonic() + 30
    while not (found := staff.ask("log", "list", "--subject", subject)["items"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    index: int = found[0]["index"]
    return index
