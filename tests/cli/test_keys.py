"""The root of trust by commands, with the files that people carry between machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from licensing_protocol.canonical import decode_object
from licensing_protocol.trust import Delegation
from licensing_protocol.trust.chain import VerifiedRoot
from tests.cli.command_line import Serving, here

HOLDERS = ("root-key-1.pem", "root-key-2.pem", "root-key-3.pem")


class House:
    """An exporter whose root keys lie with three people, and whose server is another machine."""

    def __init__(self, folder: Path) -> None:
        self.usb, self.data = folder / "usb", folder / "server"
        self.secret = folder / "passphrase"
        self.secret.write_text("correct horse battery staple\n")

    def ceremony(self, *options: str) -> Any:
        """Hold the ceremony."""
        return self.run("keys", "ceremony", self.usb, "--passphrase-file", self.secret, *options)

    def start(self) -> Any:
        """Begin at the server with the root of the ceremony."""
        return self.run("init", "--data-dir", self.data, "--administrator", "Ada", "--root", self.usb / "1.root.json")

    def sign(self, file: str | Path, *names: str) -> Any:
        """Let holders sign one after the other."""
        for name in names:
            answer = self.run("keys", "sign", file, "--key", self.usb / name, "--passphrase-file", self.secret)
        return answer

    def propose(self, *arguments: str | Path) -> list[str]:
        """Let the server propose something; return the files."""
        out = self.usb / f"proposal-{len(list(self.usb.iterdir()))}"
        paths: list[str] = self.run("keys", *arguments, "--out", out, "--data-dir", self.data)["to_sign"]
        return paths

    def bring_in(self, *files: str | Path) -> Any:
        """Import what was signed."""
        return self.run("keys", "import", *files, "--data-dir", self.data)

    def show(self) -> Any:
        """Show what is published."""
        return self.run("keys", "show", "--data-dir", self.data)

    @staticmethod
    def run(*arguments: str | Path) -> Any:
        """Run a command that must succeed."""
        answer = here(*arguments, "--json")
        assert answer.code == 0, answer.err
        return answer.json

    @staticmethod
    def refusal(*arguments: str | Path) -> str:
        """Run a command that must not succeed, and return the code."""
        answer = here(*arguments, "--json")
        assert answer.code != 0
        code: str = answer.failure["code"]
        return code


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A house that has held its ceremony and published its first Targets."""
    made = House(tmp_path)
    made.ceremony()
    request = made.start()["to_sign"]
    made.sign(request, *HOLDERS[:2])
    made.bring_in(request)
    return made


def test_a_ceremony_makes_encrypted_keys_and_a_root_that_all_holders_signed(tmp_path: Path) -> None:
    house = House(tmp_path)
    made = house.ceremony("--holders", "4", "--threshold", "3", "--post-quantum")
    root = VerifiedRoot.pinned(decode_object(Path(made["root"]).read_bytes()))
    assert (root.version, made["must_sign"], len(made["holders"]), len(made["signatures"])) == (1, 3, 5, 5)
    for key in made["keys"]:
        assert Path(key).read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY")
        assert Path(key).stat().st_mode & 0o777 == 0o600
    assert House.refusal("keys", "ceremony", house.usb, "--passphrase-file", house.secret) == "file.exists"
    few = ("keys", "ceremony", tmp_path / "few", "--holders", "1", "--passphrase-file", house.secret)
    assert House.refusal(*few) == "ceremony.threshold"
    two = ("--passphrase-file", house.secret, "--passphrase-file", house.secret)
    assert House.refusal("keys", "ceremony", tmp_path / "two", *two) == "passphrase.count"


def test_a_server_signs_nothing_before_enough_holders_named_its_keys(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.ceremony()
    request = house.start()["to_sign"]
    assert set(house.show()["signs"].values()) == {None}
    assert House.refusal("keys", "import", request, "--data-dir", house.data) == "trust.threshold"
    assert house.sign(request, HOLDERS[2])["signatures"] == [house.show()["holders"][2]]
    assert House.refusal("keys", "import", request, "--data-dir", house.data) == "trust.threshold"
    assert House.refusal("keys", "rotate", "--out", tmp_path / "out", "--data-dir", house.data) == "targets.absent"
    house.sign(request, HOLDERS[0])
    told = house.bring_in(request)
    assert None not in told["signs"].values()
    with Serving(house.data) as server:
        assert httpx2.get(f"{server.address}/readyz", trust_env=False).status_code == 200


def test_a_running_server_goes_over_to_new_keys_when_enough_holders_signed(house: House) -> None:
    before = house.show()
    with Serving(house.data) as server:
        (targets,) = house.propose("rotate")
        assert house.show()["signs"] == before["signs"]
        house.sign(targets, *HOLDERS[1:])
        after = house.bring_in(targets)
        assert not set(after["signs"].values()) & set(before["signs"].values())
        published = httpx2.get(f"{server.address}/v1/trust/targets.json", trust_env=False).json()
    assert {len(role["keyids"]) for role in published["signed"]["delegations"]["roles"]} == {2}
    (finished,) = house.propose("rotate", "--finish")
    house.sign(finished, *HOLDERS[:2])
    house.bring_in(finished)
    assert house.show()["keys"] == {str(name): [after["signs"][str(name)]] for name in Delegation}
    assert (
        House.refusal("keys", "rotate", "--finish", "--out", house.usb / "x", "--data-dir", house.data) == "keys.single"
    )


def test_a_stolen_signing_key_is_removed_and_another_takes_its_place(house: House) -> None:
    stolen = house.show()["signs"]["receipt"]
    (targets,) = house.propose("revoke", stolen)
    assert stolen not in House.run("keys", "show", targets)["keys"]["receipt"]
    house.sign(targets, *HOLDERS[:2])
    house.bring_in(targets)
    shown = house.show()
    assert shown["keys"]["receipt"] == [shown["signs"]["receipt"]] != [stolen]
    assert (shown["root"], shown["targets"]) == (1, 2)
    unknown = ("keys", "revoke", stolen, "--out", house.usb / "x", "--data-dir", house.data)
    assert House.refusal(*unknown) == "key.unknown"


def test_a_lost_root_key_is_replaced_by_that_of_another_holder(house: House) -> None:
    lost = house.show()["holders"][0]
    made = House.run("keys", "holder", house.usb / "root-key-4.pem", "--passphrase-file", house.secret)
    root, targets = house.propose("revoke", lost, "--replacement", made["public"])
    house.sign(root, *HOLDERS[1:], "root-key-4.pem")
    assert House.refusal("keys", "import", root, "--data-dir", house.data) == "targets.unsigned"
    house.sign(targets, HOLDERS[1], "root-key-4.pem")
    assert house.bring_in(targets, root)["root"] == 2
    shown = house.show()
    assert lost not in shown["holders"]
    assert made["keyid"] in shown["holders"]


def test_without_another_holder_too_few_would_be_left(house: House) -> None:
    first, second, _ = house.show()["holders"]
    root, targets = house.propose("revoke", first)
    for file in (root, targets):
        house.sign(file, *HOLDERS[1:])
    house.bring_in(root, targets)
    again = ("keys", "revoke", second, "--out", house.usb / "x", "--data-dir", house.data)
    assert House.refusal(*again) == "root.too_few"


def test_roots_and_targets_are_renewed_before_they_expire(house: House) -> None:
    before = house.show()
    files = house.propose("renew", "--root", "--days", "1000", "--root-days", "5000")
    for file in files:
        house.sign(file, *HOLDERS[:2])
    house.bring_in(*files)
    after = house.show()
    assert (after["root"], after["targets"]) == (2, 2)
    assert after["root_expires_at"] > before["root_expires_at"]
    assert after["targets_expires_at"] > before["targets_expires_at"]
    assert after["keys"] == before["keys"]


def test_the_same_again_changes_nothing_and_older_ones_are_refused(house: House) -> None:
    (first,) = house.propose("renew")
    (second,) = house.propose("renew", "--days", "800")
    house.sign(first, *HOLDERS[:2])
    house.sign(second, *HOLDERS[:2])
    house.bring_in(first)
    assert house.bring_in(first)["targets"] == 2
    assert House.refusal("keys", "import", second, "--data-dir", house.data) == "continuity.equivocation"
    assert (
        House.refusal("keys", "import", house.data / "targets.1.json", "--data-dir", house.data)
        == "continuity.rolled_back"
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [("{}", "metadata.file"), ("[]", "file.json"), ('{"signed": {"_type": "root"}}', "metadata.file")],
)
def test_a_file_with_something_else_is_refused(tmp_path: Path, content: str, code: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)
    assert House.refusal("keys", "show", file) == code


def test_a_wrong_passphrase_signs_nothing(house: House, tmp_path: Path) -> None:
    (targets,) = house.propose("renew")
    before = Path(targets).read_bytes()
    wrong = tmp_path / "wrong"
    wrong.write_text("another")
    arguments = ("keys", "sign", targets, "--key", house.usb / HOLDERS[0], "--passphrase-file", wrong)
    assert House.refusal(*arguments) == "key.unreadable"
    assert Path(targets).read_bytes() == before


def test_a_throw_away_ceremony_leaves_its_keys_to_be_used_like_others(fresh: Path) -> None:
    signed = ("--key", fresh / "ceremony" / HOLDERS[0], "--key", fresh / "ceremony" / HOLDERS[2])
    (targets,) = House.run("keys", "renew", "--out", fresh / "out", "--data-dir", fresh)["to_sign"]
    House.run("keys", "sign", targets, *signed, "--passphrase-file", fresh / "passphrase")
    assert House.run("keys", "import", targets, "--data-dir", fresh)["targets"] == 2


def test_a_key_whose_id_begins_with_a_hyphen_is_named_like_any_other(house: House) -> None:
    unknown = "-h" + house.show()["holders"][0][2:]
    again = ("keys", "revoke", unknown, "--out", house.usb / "x", "--data-dir", house.data)
    assert House.refusal(*again) == "key.unknown"
