"""The root of trust: who may follow whom, whatever the keys and thresholds are (protocol §2)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import (
    Equivocation,
    InterlockError,
    MalformedDocument,
    OversizedDocument,
    RolledBack,
    WrongDocument,
)
from licensing_protocol.exchange import Answer, EnrollmentRequest, EvidenceRequest, TrustHeld, TrustUpdate
from licensing_protocol.keys import KeySet, SoftwareSigner
from licensing_protocol.token import TokenType
from licensing_protocol.trust import Delegation, NobodyTrusted, PinnedRoot, Trusted
from licensing_protocol.trust.chain import VerifiedRoot, refuse_older
from licensing_protocol.trust.compose import RootPlan, read_key, sign, write_key, write_root, write_targets
from licensing_protocol.trust.offline import OfflineKey

NOW = 1_800_000_000
EDDSA = [OfflineKey.generate() for _ in range(4)]
MLDSA = [OfflineKey.generate(post_quantum=True) for _ in range(2)]
HOLDERS = [*EDDSA, *MLDSA]
SIGNERS = {delegation: SoftwareSigner.generate() for delegation in Delegation}
DELEGATIONS = {delegation: KeySet(signer.key) for delegation, signer in SIGNERS.items()}


def signed(document: JsonObject, holders: Sequence[OfflineKey]) -> JsonObject:
    return reduce(lambda so_far, holder: sign(so_far, holder.signer), holders, document)


def root(version: int, holders: Sequence[OfflineKey], threshold: int) -> JsonObject:
    return write_root(RootPlan(version, NOW + version, [holder.key for holder in holders], threshold))


def targets(version: int = 1, issued: int = NOW) -> JsonObject:
    return write_targets(version, issued, NOW + 1, DELEGATIONS)


GROUPS = st.lists(st.sampled_from(HOLDERS), unique_by=id, min_size=1).filter(
    lambda group: bool(set(EDDSA) & set(group))
)


@st.composite
def roles(draw: st.DrawFn) -> tuple[list[OfflineKey], int]:
    group = draw(GROUPS)
    return group, draw(st.integers(1, len(set(EDDSA) & set(group))))


def satisfied(group: Sequence[OfflineKey], threshold: int, signers: Sequence[OfflineKey]) -> bool:
    """Return what the specification says, in sets."""
    quorum = len(set(group) & set(EDDSA) & set(signers)) >= threshold
    lattice = set(group) & set(MLDSA)
    return quorum and (not lattice or bool(lattice & set(signers)))


@given(roles(), roles(), st.lists(st.sampled_from(HOLDERS), unique_by=id))
def test_a_root_follows_exactly_where_both_versions_are_signed_enough(
    old: tuple[list[OfflineKey], int], new: tuple[list[OfflineKey], int], signers: list[OfflineKey]
) -> None:
    pinned = VerifiedRoot.pinned(signed(root(1, *old), old[0]))
    offered = signed(root(2, *new), signers)
    if satisfied(*old, signers) and satisfied(*new, signers):
        assert pinned.follow(offered).version == 2
    else:
        with pytest.raises(InterlockError) as refused:
            pinned.follow(offered)
        assert refused.value.code in {"trust.threshold", "trust.post_quantum"}


@given(roles(), st.lists(st.sampled_from(HOLDERS), unique_by=id))
def test_targets_count_exactly_where_the_role_has_signed_enough(
    role: tuple[list[OfflineKey], int], signers: list[OfflineKey]
) -> None:
    pinned = VerifiedRoot.pinned(signed(root(1, *role), role[0]))
    offered = signed(targets(), signers)
    if satisfied(*role, signers):
        assert pinned.delegate(offered, NOW).delegations == DELEGATIONS
    else:
        with pytest.raises(InterlockError):
            pinned.delegate(offered, NOW)


@given(st.permutations([2, 3, 4, 5]))
def test_a_chain_is_walked_in_one_order_only(order: list[int]) -> None:
    pinned = VerifiedRoot.pinned(signed(root(1, EDDSA, 2), EDDSA))
    assert pinned.document["signed"]["version"] == 1
    updates = {version: signed(root(version, EDDSA, 2), EDDSA[:2]) for version in order}
    if order == sorted(order):
        newest = pinned.walk(updates[version] for version in order)
        assert (newest.version, newest.expires) == (5, NOW + 5)
    else:
        with pytest.raises(InterlockError):
            pinned.walk(updates[version] for version in order)


def trusted(version: int = 1, issued: int = NOW) -> Trusted:
    pinned = VerifiedRoot.pinned(signed(root(1, EDDSA, 2), EDDSA))
    return pinned.delegate(signed(targets(version, issued), EDDSA))


def test_what_was_verified_can_be_written_down_and_read_back() -> None:
    found = trusted()
    assert (found.version, found.targets, found.issued, found.expires) == (1, 1, NOW, NOW + 1)
    assert Trusted.parse(found.to_json()) == found
    assert found.keys(Delegation.LOG) == KeySet(SIGNERS[Delegation.LOG].key)


def test_targets_do_not_roll_back_and_do_not_contradict_themselves() -> None:
    held = trusted(2)
    refuse_older(held, held)
    refuse_older(trusted(3), held)
    with pytest.raises(RolledBack):
        refuse_older(trusted(1), held)
    with pytest.raises(Equivocation):
        refuse_older(trusted(2, NOW - 1), held)


def test_without_targets_nobody_may_sign() -> None:
    nobody = NobodyTrusted()
    assert not any(len(nobody.keys(delegation)) for delegation in Delegation)


@pytest.mark.parametrize("post_quantum", [False, True])
def test_an_offline_key_is_the_same_after_its_file_was_read(post_quantum: bool) -> None:
    made = OfflineKey.generate(post_quantum=post_quantum)
    read = OfflineKey.from_pem(made.to_pem(b"passphrase"), b"passphrase")
    assert read.key == made.key
    with pytest.raises(MalformedDocument) as refused:
        OfflineKey.from_pem(made.to_pem(b"passphrase"), b"another")
    assert refused.value.code == "key.unreadable"


def test_an_offline_key_is_of_an_algorithm_that_roots_take() -> None:
    with pytest.raises(MalformedDocument) as refused:
        OfflineKey.from_pem(SoftwareSigner.generate("ES256").to_pem(b"passphrase"), b"passphrase")
    assert refused.value.code == "root.key"


def test_verifying_documents_needs_no_tuf_library() -> None:
    code = "import licensing_protocol.trust, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"tuf", "securesystemslib"} & set(loaded.split())


def test_what_was_written_down_names_a_key_for_every_purpose() -> None:
    told = trusted().to_json()
    wrong: list[JsonObject] = [{}, told["delegations"] | {"log": {"keys": []}}]
    for delegations in wrong:
        with pytest.raises(MalformedDocument) as refused:
            Trusted.parse(told | {"delegations": delegations})
        assert refused.value.code == "root.delegation"


@pytest.mark.parametrize("post_quantum", [False, True])
def test_the_public_key_of_a_holder_is_carried_under_its_own_name(post_quantum: bool) -> None:
    key = OfflineKey.generate(post_quantum=post_quantum).key
    assert read_key(write_key(key)) == key
    with pytest.raises(MalformedDocument) as refused:
        read_key(write_key(key) | {"keyid": "another"})
    assert refused.value.code == "root.keyid"


def test_a_manifest_cannot_pin_a_root_that_is_too_long() -> None:
    document = root(1, EDDSA, 2)
    document["signed"]["x"] = "x" * 70_000
    with pytest.raises(OversizedDocument):
        PinnedRoot.parse(document)


def test_how_far_a_device_walked_travels_with_what_it_sends() -> None:
    walked = TrustHeld(3, 7)
    for request in (EnrollmentRequest("e", walked), EnrollmentRequest("e")):
        assert EnrollmentRequest.parse(request.to_json()) == request
    for report in (EvidenceRequest("e", "r", walked), EvidenceRequest("e", "r")):
        assert EvidenceRequest.parse(report.to_json()) == report
    with pytest.raises(MalformedDocument):
        EvidenceRequest.parse({"evidence": "e", "receipt": "r", "trust": {"root": 1, "targets": -1}})


def test_roots_and_targets_travel_with_what_is_answered() -> None:
    roots = (signed(root(2, EDDSA, 2), EDDSA), signed(root(3, EDDSA, 2), EDDSA))
    for update in (TrustUpdate(roots, signed(targets(), EDDSA)), TrustUpdate(roots), TrustUpdate()):
        assert Answer.parse(Answer(trust=update).to_json()).trust == update
    refused: list[JsonObject] = [{"roots": [1]}, {"roots": {}}, {}, {"roots": [], "targets": []}]
    for wrong in refused:
        with pytest.raises(MalformedDocument):
            Answer.parse({"trust": wrong})


def test_the_key_that_a_document_names_can_be_read_before_it_is_verified() -> None:
    signer = SIGNERS[Delegation.RECEIPT]
    text = token.sign({"iat": 1}, TokenType.RECEIPT, signer)
    assert token.claimed_key(text, TokenType.RECEIPT) == signer.key.thumbprint
    assert text.startswith(token.first_segment(TokenType.RECEIPT, signer.key) + ".")
    with pytest.raises(WrongDocument):
        token.claimed_key(text, TokenType.STATUS_LIST)
