"""Trees by the recursion of RFC 6962, and notes with their signatures written by hand."""

from __future__ import annotations

import base64

from licensing_protocol.keys import SoftwareSigner
from tests.vectors.forge import NOW, ed25519_signer, sha256

ORIGIN = "log.exporter.example/main"
WITNESS = ed25519_signer("witness")
SECOND = ed25519_signer("second witness")
NAMES = {"w1": "witness.example/w1", "w2": "witness.example/w2"}
ENTRIES = [f"entry {number}".encode() for number in range(23)]
LEAVES = [sha256(b"\x00", entry) for entry in ENTRIES]


def tree_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    half = _half(leaves)
    return sha256(b"\x01", tree_root(leaves[:half]), tree_root(leaves[half:]))


def path_to(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(leaves) < 2:
        return []
    half = _half(leaves)
    if index < half:
        return [*path_to(index, leaves[:half]), tree_root(leaves[half:])]
    return [*path_to(index - half, leaves[half:]), tree_root(leaves[:half])]


def growth_from(old: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if old == len(leaves):
        return [] if whole else [tree_root(leaves)]
    half = _half(leaves)
    if old <= half:
        return [*growth_from(old, leaves[:half], whole), tree_root(leaves[half:])]
    return [*growth_from(old - half, leaves[half:], False), tree_root(leaves[:half])]


def _half(leaves: list[bytes]) -> int:
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return half


def head_of(size: int, root: bytes) -> str:
    return f"{ORIGIN}\n{size}\n{b64(root)}\n"


def public_bytes(signer: SoftwareSigner) -> bytes:
    raw: bytes = signer.key.public.public_bytes_raw()
    return raw


def key_id_of(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode(), b"\n", bytes([kind]), public)[:4]


def vkey_from(name: str, kind: int, public: bytes) -> str:
    return f"{name}+{key_id_of(name, kind, public).hex()}+{b64(bytes([kind]) + public)}"


def vkey_of(name: str, signer: SoftwareSigner, *, kind: int = 1, cut: int = 0) -> str:
    return vkey_from(name, kind, public_bytes(signer)[cut:])


def signed_line(name: str, signer: SoftwareSigner, text: str, *, cut: int = 0) -> str:
    signature = signer.sign(text.encode())[cut:]
    return f"\u2014 {name} {b64(key_id_of(name, 1, public_bytes(signer)) + signature)}\n"


def cosigned_line(name: str, signer: SoftwareSigner, text: str, time: int = NOW) -> str:
    signature = signer.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    return f"\u2014 {name} {b64(key_id_of(name, 4, public_bytes(signer)) + time.to_bytes(8, 'big') + signature)}\n"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text)
