"""Cases of protocol §2: what a vendor says of its product is understood whole or refused."""

from __future__ import annotations

from typing import Any, Final

from licensing_protocol.canonical import JsonObject
from licensing_protocol.token import TokenType
from tests.vectors.entitlements import CAPABILITY
from tests.vectors.forge import VENDOR, accepted, identity, refused, signed, without
from tests.vectors.roots import PINNED, root

MANIFEST: Final[JsonObject] = {
    "iss": "exporter",
    "product": "camera",
    "release": "1.0",
    "capabilities": ["face.identify_1toN", CAPABILITY],
    "safety": ["safety.tamper_alarm"],
    "root": PINNED,
    "servers": ["https://licensing.example"],
    "measure": [
        {"name": "code", "kind": "tree", "path": "src"},
        {"name": "rules", "kind": "file", "path": "rules.json"},
        {"name": "retention", "kind": "setting"},
    ],
}


def manifest_cases() -> list[JsonObject]:
    def ask(claims: Any) -> JsonObject:
        return {"token": signed(claims, TokenType.PRODUCT, VENDOR), "key": VENDOR.key.jwk}

    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return refused(name, comment, ask(MANIFEST | changes), code)

    def rooted(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return case(name, comment, code, root=MANIFEST["root"] | changes)

    def component(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return case(name, comment, code, measure=[MANIFEST["measure"][0] | changes])

    question = ask(MANIFEST)
    slash = ask(MANIFEST | {"servers": ["https://licensing.example/"]})
    by_exporter = ask(MANIFEST) | {"token": signed(MANIFEST, TokenType.PRODUCT)}
    return [
        accepted("sound", "a camera", question, claims=MANIFEST, identity=identity(question["token"])),
        accepted("server with a slash", "read without it", slash, claims=MANIFEST, identity=identity(slash["token"])),
        refused("signed by the exporter", "not the vendor's key", by_exporter, "trust.unknown_key"),
        *(
            refused(f"no {name}", "every claim is required", ask(without(MANIFEST, name)), "field.missing")
            for name in MANIFEST
        ),
        case("unknown claim", "understood whole", "field.unknown", extra=1),
        case("gated safety", "a safety function is never gated", "manifest.safety", safety=[CAPABILITY]),
        case("repeated capability", "a set", "capability.id", capabilities=[CAPABILITY, CAPABILITY]),
        case("capability as a number", "a text", "capability.id", capabilities=[1]),
        case("server by file", "http or https", "manifest.server", servers=["file:///etc/passwd"]),
        case("server without a host", "http or https", "manifest.server", servers=["https:///path"]),
        case("server with a query", "an address only", "manifest.server", servers=["https://a.example/?x=1"]),
        case("server with a user", "no secrets here", "manifest.server", servers=["https://u:p@a.example"]),
        case("server with a line end", "one address", "manifest.server", servers=["https://a.exa\nmple"]),
        case("no such port", "at most 65535", "manifest.server", servers=["https://a.example:65536"]),
        case("server twice", "the same but for the slash", "manifest.server", servers=["http://a", "http://a/"]),
        component("absolute path", "below the product's folder", "manifest.component", path="/etc"),
        component("path upward", "below the product's folder", "manifest.component", path="a/../../b"),
        component("path with a zero", "no file has it", "manifest.component", path="a\0b"),
        component("unknown kind", "file, tree or setting", "manifest.component", kind="disk"),
        component("setting with a path", "understood whole", "field.unknown", kind="setting"),
        case("component twice", "names differ", "manifest.component", measure=MANIFEST["measure"][:1] * 2),
        rooted("root version 0", "versions begin at 1", "field.range", signed=root(0)),
        rooted("root and more", "understood whole", "field.unknown", extra=1),
        rooted("Targets for a root", "another kind of metadata", "root.malformed", signed=root(1, _type="targets")),
        case("no signed part", "a root", "field.missing", root=without(PINNED, "signed")),
    ]
