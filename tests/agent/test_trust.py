"""The root of trust on a device: what is taken, what is refused and journalled, and what a start goes by."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device_agent import journal
from device_agent.trusted_state import State, Subject, Taken, take_entitlement, take_status_list, take_trust
from device_agent.trusted_state.records import Kind, documents
from device_agent.trusted_state.root import held, recall
from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.exchange import TrustHeld, TrustUpdate
from licensing_protocol.keys import KeySet, SoftwareSigner
from licensing_protocol.token import TokenType
from licensing_protocol.trust import NOBODY, Delegation, PinnedRoot, Trusted
from licensing_protocol.trust.offline import OfflineKey
from tests.agent.bench import Bench
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import ISSUED, URI, SimulatedExporter
from tests.simulators.memory import memory


class Device:
    """A device that has begun and trusts nobody yet, with its store in memory."""

    def __init__(self) -> None:
        self.exporter = SimulatedExporter()
        self.clock = SettableClock(ISSUED + 10.0)
        self.connection = memory()
        self.signer = SoftwareSigner.generate()
        self.restart()

    def restart(self, **manifest: Any) -> None:
        """Begin as a new process does."""
        subject = Subject.of(self.exporter.manifest(**manifest), self.signer.key)
        self.state = State.begin(self.connection, subject, self.clock.read())

    def take(self, *roots: JsonObject, targets: JsonObject | None = None) -> Taken:
        """Take what comes of the root of trust."""
        update = TrustUpdate(roots, targets)
        taken = take_trust(self.connection, self.state, update, self.signer, self.clock.read())
        self.state = taken.state
        return taken

    def refusal(self, *roots: JsonObject, targets: JsonObject | None = None) -> str:
        """Take what is refused, and return the code; what is believed stays the same, and the journal has it."""
        taken = self.take(*roots, targets=targets)
        assert taken.problem is not None
        assert ("trust.refused", taken.problem.code) in [(type, data.get("code")) for type, data in self.told()]
        return taken.problem.code

    def told(self) -> list[tuple[str, JsonObject]]:
        """Return what the journal says of the root of trust."""
        events = [(event.type, event.data) for event in journal.unreceipted(self.connection)]
        return [(type, data) for type, data in events if type.startswith("trust.")]

    @property
    def trusted(self) -> Trusted:
        """What is believed now, the same as a new process believes."""
        found = self.state.subject.root
        assert (
            State.load(self.connection, Subject.of(self.state.subject.manifest, self.signer.key)).subject.root == found
        )
        assert isinstance(found, Trusted)
        return found

    def walked(self) -> TrustHeld:
        """Return how far the device says it has walked."""
        return held(self.connection, self.state.subject)


@pytest.fixture
def device() -> Device:
    return Device()


def test_before_targets_came_nobody_may_sign_anything(device: Device) -> None:
    assert device.state.subject.root == NOBODY
    assert device.walked() == TrustHeld(1, 0)
    text = device.exporter.entitlement(device.state.subject, 5)
    taken = take_entitlement(device.connection, device.state, text, device.clock.read())
    assert taken.problem is not None
    assert taken.problem.code == "trust.unknown_key"


def test_targets_are_taken_and_say_what_time_it_is_at_least(device: Device) -> None:
    assert device.take(targets=device.exporter.targets()).changed
    assert device.trusted == device.exporter.trusted
    assert device.state.time.lower == ISSUED
    assert device.walked() == TrustHeld(1, 1)
    assert device.told() == [("trust.updated", {"root": 1, "targets": 1})]
    assert not device.take(targets=device.exporter.targets()).changed
    assert len(device.told()) == 1


def test_a_chain_of_roots_is_walked_and_kept(device: Device) -> None:
    exporter = device.exporter
    exporter.roots += [exporter.signed(exporter.write_root(2)), exporter.signed(exporter.write_root(3))]
    assert device.take(*exporter.roots, targets=exporter.targets()).problem is None
    assert device.trusted.version == 3
    device.restart()
    assert device.trusted == exporter.trusted
    assert device.walked() == TrustHeld(3, 1)
    # Another process may have been sent the same.
    assert not device.take(*exporter.roots).changed


def test_roots_that_do_not_follow_are_refused(device: Device) -> None:
    exporter = device.exporter
    device.take(targets=exporter.targets())
    second = exporter.write_root(2)
    assert device.refusal(exporter.signed(second, exporter.holders[:1])) == "trust.threshold"
    assert device.refusal(exporter.signed(second, [exporter.holders[0]] * 2)) == "trust.threshold"
    assert device.refusal(exporter.signed(exporter.write_root(3))) == "continuity.root_skipped"
    assert device.refusal(SimulatedExporter().roots[0]) == "continuity.rolled_back"
    assert device.refusal({"signatures": []}) == "field.missing"
    thieves = [OfflineKey.generate() for _ in range(3)]
    assert device.refusal(exporter.signed(exporter.write_root(2, thieves), thieves)) == "trust.threshold"
    assert device.trusted == exporter.trusted


def test_targets_that_are_older_expired_or_signed_by_others_are_refused(device: Device) -> None:
    exporter = device.exporter
    exporter.targets_version = 5
    device.take(targets=exporter.targets())
    assert device.refusal(targets=exporter.targets(version=4)) == "continuity.rolled_back"
    assert device.refusal(targets=exporter.targets(issued=ISSUED - 1)) == "continuity.equivocation"
    assert device.refusal(targets=exporter.targets(version=6, expires=ISSUED)) == "trust.targets_expired"
    assert device.refusal(targets=SimulatedExporter().targets(version=6)) == "trust.threshold"
    assert device.refusal(targets=exporter.roots[0]) == "root.malformed"
    assert device.trusted == exporter.trusted


def test_the_time_that_a_thief_set_does_not_make_what_removes_the_thief_look_expired(device: Device) -> None:
    exporter = device.exporter
    device.take(targets=exporter.targets())
    text = exporter.status_list(2**40, issued_at=ISSUED + 10**9 - 1, expires=2**40)
    taken = take_status_list(device.connection, device.state, URI, text, device.clock.read())
    device.state = taken.state
    device.clock.pass_time(100)
    exporter.replace_key(Delegation.STATUS)
    assert device.take(targets=exporter.targets()).problem is None
    assert device.state.time.lower == ISSUED + 100


def test_a_key_that_is_named_again_does_not_bring_its_marks_back(device: Device) -> None:
    exporter = device.exporter
    device.take(targets=exporter.targets())

    def fetch(sequence: int) -> Taken:
        text = exporter.status_list(sequence)
        taken = take_status_list(device.connection, device.state, URI, text, device.clock.read())
        device.state = taken.state
        return taken

    assert fetch(2**40).problem is None
    old = exporter.replace_key(Delegation.STATUS)
    device.take(targets=exporter.targets())
    exporter.signers[Delegation.STATUS] = old
    exporter.delegated[Delegation.STATUS] = KeySet(old.key)
    exporter.targets_version += 1
    device.take(targets=exporter.targets())
    assert fetch(7).problem is None


def test_the_same_refusal_again_and_again_does_not_fill_the_journal(device: Device) -> None:
    for _ in range(50):
        device.refusal(targets=SimulatedExporter().targets())
    ((_, data),) = device.told()
    assert (data["code"], data["count"]) == ("trust.threshold", 50)


def test_of_an_expired_root_no_targets_are_taken_but_what_it_removes_is_removed(device: Device) -> None:
    exporter = device.exporter
    device.take(targets=exporter.targets(issued=ISSUED + 10**9 - 1))
    heirs = [exporter.holders[2], *(OfflineKey.generate() for _ in range(2))]
    root = exporter.signed(exporter.write_root(2, heirs), [*exporter.holders[:2], *heirs[1:]])
    device.clock.pass_time(10)
    assert (
        device.refusal(root, targets=exporter.signed(exporter.write_targets(version=2), heirs)) == "trust.root_expired"
    )
    assert device.state.subject.root == NOBODY
    assert device.walked() == TrustHeld(2, 0)


def test_targets_that_a_new_root_leaves_without_its_threshold_count_no_more_and_neither_does_their_time(
    device: Device,
) -> None:
    exporter = device.exporter
    exporter.targets_version = 2**40
    device.take(targets=exporter.targets(issued=ISSUED + 10**8))
    assert device.state.time.lower == ISSUED + 10**8
    heirs = [exporter.holders[2], *(OfflineKey.generate() for _ in range(2))]
    device.take(exporter.signed(exporter.write_root(2, heirs), [*exporter.holders[:2], *heirs[1:]]))
    assert device.state.subject.root == NOBODY
    assert device.state.time.lower < ISSUED
    assert device.told()[-1] == ("trust.updated", {"root": 2, "targets": 0})
    healed = exporter.signed(exporter.write_targets(version=3), heirs[:2])
    assert device.take(targets=healed).problem is None
    assert (device.trusted.targets, device.state.time.lower) == (3, ISSUED)


def test_who_brings_a_root_and_keeps_its_targets_back_does_not_make_a_device_forget_what_it_saw(device: Device) -> None:
    exporter = device.exporter
    device.take(targets=exporter.targets())
    seen = exporter.status_list(2**40, issued_at=ISSUED + 5000)
    device.state = take_status_list(device.connection, device.state, URI, seen, device.clock.read()).state
    heirs = [exporter.holders[2], *(OfflineKey.generate() for _ in range(2))]
    device.take(exporter.signed(exporter.write_root(2, heirs), [*exporter.holders[:2], *heirs[1:]]))
    assert device.state.subject.root == NOBODY
    device.restart()
    device.take(targets=exporter.signed(exporter.write_targets(version=3), heirs[:2]))
    old = take_status_list(device.connection, device.state, URI, exporter.status_list(7), device.clock.read())
    assert (old.problem and old.problem.code, device.state.time.lower) == ("continuity.rolled_back", ISSUED + 5000)


def test_an_ml_dsa_key_that_was_added_must_sign_from_then_on(device: Device) -> None:
    exporter = device.exporter
    lattice = OfflineKey.generate(post_quantum=True)
    holders = [*exporter.holders, lattice]
    without = exporter.signed(exporter.write_root(2, holders))
    assert device.refusal(without) == "trust.post_quantum"
    device.take(exporter.signed(without, [lattice]))
    assert device.refusal(exporter.signed(exporter.write_root(3, exporter.holders))) == "trust.post_quantum"
    assert device.walked() == TrustHeld(2, 0)


def test_a_newer_release_may_pin_a_newer_root_and_an_older_one_does_not_lead_back(
    device: Device,
) -> None:
    exporter = device.exporter
    exporter.roots += [exporter.signed(exporter.write_root(2)), exporter.signed(exporter.write_root(3))]
    device.take(*exporter.roots, targets=exporter.targets())
    for pinned in (exporter.roots[1], exporter.roots[0]):
        device.restart(root=PinnedRoot.parse(pinned))
        assert device.trusted == exporter.trusted
        assert device.walked().root == 3
        assert recall(device.connection, device.state.subject) is None
        assert not device.take().changed
        assert recall(device.connection, device.state.subject) == exporter.trusted


def test_a_product_that_pins_another_root_trusts_nobody_of_the_first(device: Device) -> None:
    device.take(targets=device.exporter.targets())
    other = SimulatedExporter()
    device.restart(root=PinnedRoot.parse(other.roots[0]))
    assert device.state.subject.root == NOBODY
    device.take(targets=other.targets())
    assert device.trusted == other.trusted


def test_what_another_key_says_was_verified_is_verified_anew(device: Device) -> None:
    device.take(targets=device.exporter.targets())
    forge(device, SoftwareSigner.generate())
    device.restart()
    assert device.trusted == device.exporter.trusted


def test_a_store_that_was_changed_with_the_devices_own_key_is_found_out_and_reported(device: Device) -> None:
    device.take(targets=device.exporter.targets())
    thief = forge(device, device.signer)
    device.restart()
    assert device.trusted.keys(Delegation.ENTITLEMENT) == KeySet(thief.key)
    assert device.refusal() == "trust.forged"
    assert device.trusted == device.exporter.trusted


def test_a_pinned_root_that_is_not_signed_by_itself_trusts_nobody(device: Device) -> None:
    exporter = device.exporter
    device.take(targets=exporter.targets())
    unsigned = PinnedRoot.parse(exporter.signed(exporter.write_root(1), exporter.holders[:1]))
    subject = Subject.of(replace(device.state.subject.manifest, root=unsigned), device.signer.key)
    device.connection.execute("DELETE FROM document WHERE kind = 'trust'")
    device.state = State.begin(device.connection, subject, device.clock.read())
    assert device.state.subject.root == NOBODY
    assert device.refusal(targets=exporter.targets()) == "trust.threshold"


def test_a_start_on_what_was_verified_before_imports_no_tuf_library(bench: Bench) -> None:
    bench.enrolled().close()
    manifest, key = bench.manifest.sign(bench.exporter.vendor), bench.exporter.vendor.key.jwk
    folder = str(bench.folder / "agent")
    program = (
        "import sys\nfrom device_agent import Agent\n"
        f"agent = Agent.open({folder!r}, manifest={manifest!r}, vendor_key={key!r}, sync_every=None)\n"
        "assert agent.status().entitlement is not None\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert not {"tuf", "securesystemslib"} & set(done.stdout.split())


def forge(device: Device, signer: SoftwareSigner) -> SoftwareSigner:
    """Write into the store, signed by ``signer``, that a thief's key was verified; return the thief's."""
    thief = SoftwareSigner.generate()
    told = device.exporter.trusted
    delegations = dict.fromkeys(Delegation, KeySet(thief.key))
    claims = {
        "pinned": device.state.subject.manifest.root.identity,
        "trusted": replace(told, delegations=delegations).to_json(),
    }
    (kept,) = documents(device.connection, Kind.TRUST)
    text = token.sign(claims, TokenType.TRUST, signer)
    device.connection.execute("UPDATE document SET text = ? WHERE kind = ? AND name = ?", (text, Kind.TRUST, kept.name))
    return thief
