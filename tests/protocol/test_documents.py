"""Signed documents of each kind: what may take the place of what, for whom, and signed when (protocol §2 to §7)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from licensing_protocol import entitlement, evidence, manifest, receipt, status_list, token
from licensing_protocol.canonical import to_base64url
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.errors import Equivocation, InterlockError, MalformedDocument, RolledBack, WrongDocument
from licensing_protocol.evidence import Evidence
from licensing_protocol.keys import KeySet, SoftwareSigner
from licensing_protocol.manifest import Manifest
from licensing_protocol.receipt import Refusal
from licensing_protocol.status_list import SHARD_BYTES, LogPosition, Status, StatusList
from licensing_protocol.token import TokenType
from licensing_protocol.trust import Delegation, PinnedRoot, Trusted
from tests.protocol.test_decision import NOW, claims
from tests.vectors.device_documents import EVIDENCE
from tests.vectors.roots import PINNED

SIGNER = SoftwareSigner.generate()
KEYS = KeySet(SIGNER.key)
ROOT = Trusted(1, 1, "", 0, NOW + 1000, dict.fromkeys(Delegation, KEYS))
ENTITLEMENT = Entitlement.parse(claims())
MANIFEST = Manifest(
    issuer="exporter",
    product="camera",
    release="1",
    capabilities=frozenset({"face.verify_1to1"}),
    safety=frozenset({"safety.alarm"}),
    root=PinnedRoot.parse(PINNED),
    servers=(),
    measure=(),
    identity="identity",
)
LIST = StatusList("exporter", "u", NOW, NOW + 60, 30, 7, LogPosition("o", 1), bytes(SHARD_BYTES), "a")


def code_of(error: pytest.ExceptionInfo[InterlockError]) -> str:
    return error.value.code


def test_an_entitlement_and_a_manifest_are_read_back_from_their_signatures() -> None:
    signed, vendored = ENTITLEMENT.sign(SIGNER), MANIFEST.sign(SIGNER)
    read = entitlement.verify(signed, ROOT)
    assert read == dataclasses.replace(ENTITLEMENT, identity=token.identity(signed))
    assert manifest.verify(vendored, SIGNER.key) == dataclasses.replace(MANIFEST, identity=token.identity(vendored))


def test_evidence_is_read_back_from_its_signature() -> None:
    written = Evidence.parse(EVIDENCE)
    text = written.sign(SIGNER)
    assert evidence.verify(text, SIGNER.key) == dataclasses.replace(written, identity=token.identity(text))
    assert written.last == written.first + len(written.events) - 1


def test_a_refusal_is_read_back_from_its_signature() -> None:
    evidence_identity = to_base64url(bytes(32))
    given = Refusal("exporter", NOW, "device", evidence_identity, "continuity.fork", b"r" * 32, b"n" * 32)
    text = given.sign(SIGNER)
    assert receipt.verify_refusal(text, ROOT) == dataclasses.replace(given, identity=token.identity(text))


def test_nothing_is_signed_that_a_device_would_refuse() -> None:
    with pytest.raises(MalformedDocument):
        dataclasses.replace(ENTITLEMENT, expires=ENTITLEMENT.not_before).sign(SIGNER)
    with pytest.raises(MalformedDocument):
        dataclasses.replace(MANIFEST, safety=MANIFEST.capabilities).sign(SIGNER)


def test_nothing_counts_that_was_signed_after_the_root_expired() -> None:
    receipts = {"iat": ROOT.expires}
    assert token.verify(token.sign(receipts, TokenType.RECEIPT, SIGNER), TokenType.RECEIPT, KEYS).claims == receipts
    late = dataclasses.replace(ENTITLEMENT, issued_at=ROOT.expires + 1)
    with pytest.raises(InterlockError) as refused:
        entitlement.verify(late.sign(SIGNER), ROOT)
    assert code_of(refused) == "trust.expired"
    last = dataclasses.replace(ENTITLEMENT, issued_at=ROOT.expires)
    assert entitlement.verify(last.sign(SIGNER), ROOT).issued_at == ROOT.expires


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "another"}, "entitlement.issuer"),
        ({"device": "another"}, "entitlement.device"),
        ({"device_key": "another"}, "entitlement.device"),
        ({"product": "another"}, "entitlement.product"),
        ({"grants": {"safety.alarm": ENTITLEMENT.grants["face.verify_1to1"]}}, "entitlement.safety"),
    ],
)
def test_an_entitlement_serves_one_device_of_one_product_and_gates_no_safety_function(
    changes: dict[str, Any], code: str
) -> None:
    entitlement.refuse_if_not_for(ENTITLEMENT, MANIFEST, ENTITLEMENT.device, ENTITLEMENT.device_key)
    changed = dataclasses.replace(ENTITLEMENT, **changes)
    with pytest.raises(InterlockError) as refused:
        entitlement.refuse_if_not_for(changed, MANIFEST, ENTITLEMENT.device, ENTITLEMENT.device_key)
    assert code_of(refused) == code


def test_more_positions_than_the_bound_are_refused() -> None:
    ring = [[step / 1000, 0] for step in range(24_998)] + [[24, 1], [0, 0]]
    zone = claims()["zones"]["square"] | {"geometry": {"type": "Polygon", "coordinates": [ring]}}
    two = claims() | {"zones": {"a": zone, "b": zone}}
    assert sum(each.positions for each in Entitlement.parse(two).zones.values()) == entitlement.MAX_POSITIONS
    with pytest.raises(MalformedDocument) as refused:
        Entitlement.parse(two | {"zones": {"a": zone, "b": zone, **claims()["zones"]}})
    assert code_of(refused) == "entitlement.positions"


def test_a_status_list_takes_the_place_of_the_same_shards_older_one_only() -> None:
    LIST.refuse_if_older_than(LIST)
    dataclasses.replace(LIST, sequence=8, identity="b").refuse_if_older_than(LIST)
    for changes, error in (
        ({"uri": "another"}, WrongDocument),
        ({"sequence": 6}, RolledBack),
        ({"identity": "b"}, Equivocation),
    ):
        with pytest.raises(error):
            dataclasses.replace(LIST, **changes).refuse_if_older_than(LIST)


def test_a_status_list_lives_until_its_end_and_names_its_own_shard() -> None:
    text = LIST.sign(SIGNER)
    assert status_list.verify(text, ROOT, uri="u", now=NOW + 59).status(0) is Status.VALID
    for uri, now, code in (("u", NOW + 60, "status_list.expired"), ("v", NOW, "status_list.uri")):
        with pytest.raises(WrongDocument) as refused:
            status_list.verify(text, ROOT, uri=uri, now=now)
        assert code_of(refused) == code


@pytest.mark.parametrize("index", [-1, 2**20])
def test_no_index_lies_outside_a_shard(index: int) -> None:
    with pytest.raises(MalformedDocument) as refused:
        status_list.write_status(bytearray(SHARD_BYTES), index, Status.INVALID)
    assert code_of(refused) == "status_list.index"


@pytest.mark.parametrize("typ", list(TokenType))
def test_a_document_has_at_most_the_bytes_of_its_type(typ: TokenType) -> None:
    def of(size: int) -> str:
        return token.sign({"iat": 0, "x": "x" * size}, typ, SIGNER)

    # Base64url makes four characters of three bytes.
    size = (token.size_limit(typ) - len(of(0))) // 4 * 3
    assert token.size_limit(typ) - 6 <= len(of(size)) <= token.size_limit(typ)
    with pytest.raises(InterlockError) as refused:
        of(size + 9)
    assert code_of(refused) == "document.oversized"
