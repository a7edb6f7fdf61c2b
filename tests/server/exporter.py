"""An exporter's whole set-up in a few calls: server, people, product, release, end-user, devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from httpx2 import Client, Response
from starlette.testclient import TestClient

from licensing_protocol.canonical import encode, to_base64url
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.manifest import Component, ComponentKind, Manifest
from licensing_protocol.trust import PinnedRoot, Trusted
from licensing_protocol.trust.chain import VerifiedRoot
from licensing_server import clock
from licensing_server.app import create_app
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.setup import initialise, open_server
from licensing_server.web import Role
from tests.simulators.device import SimulatedDevice, payload

CAPABILITY = "face.verify_1to1"
PLAN = {"grants": {CAPABILITY: {}, "av.record": {"audit": "each"}}, "valid_for": 86_400}


@dataclass
class Exporter:
    """The server under test, and what a member of staff would keep at hand."""

    app: FastAPI
    client: Client
    database: Database
    settings: Settings
    administrator: str
    tokens: dict[Role, str] = field(default_factory=dict)
    people: dict[Role, str] = field(default_factory=dict)
    vendor: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    manifest: str = ""
    end_user: str = ""
    ahead: int = 0

    @classmethod
    def begin(cls, settings: Settings) -> Exporter:
        """Initialise a server; background work is done by :meth:`settle`, so that tests do not wait for it."""
        made = initialise(settings, "Ada Admin")
        database, custody = open_server(settings)
        app = create_app(settings, database, custody, with_jobs=False)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        exporter = cls(app, client, database, settings, made.token_file.read_text().strip())
        exporter._hire()
        exporter._sell()
        return exporter

    def end(self) -> None:
        """Stop the server."""
        self.client.__exit__(None, None, None)
        self.database.close()

    def settle(self, now: int | None = None) -> None:
        """Let background work catch up; time runs ahead for it, because a list is signed once a second at most."""
        self.ahead += 2
        # Twice: an alert's own entry is sequenced in the next pass.
        for _ in range(2):
            self.app.state.runner.run_once(clock.now() + self.ahead if now is None else now)
        assert self.app.state.runner.failures == {}
        with self.database.read() as session:
            self.app.state.board.refresh(session)

    def ask(self, method: str, path: str, role: Role | None = Role.COMPLIANCE, **options: Any) -> Response:
        """Send one request with the token of a person who holds ``role`` only."""
        headers = dict(options.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        response: Response = self.client.request(method, path, headers=headers, **options)
        return response

    def get(self, path: str, role: Role | None = Role.COMPLIANCE, **options: Any) -> Any:
        """Read something that must be there."""
        response = self.ask("GET", path, role, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def all(self, path: str, role: Role = Role.COMPLIANCE, *after: str | int, limit: int = 200) -> list[Any]:
        """Read a whole list, page by page, from behind one position on."""
        found: list[Any] = []
        cursor = f"&cursor={to_base64url(encode(list(after)))}" if after else ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}", role)
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    def post(self, path: str, body: Any = None, role: Role | None = Role.COMPLIANCE, **options: Any) -> Any:
        """Do something that must succeed."""
        response = self.ask("POST", path, role, json=body, **options)
        assert response.status_code in {200, 201}, response.text
        return response.json()

    def trusted(self) -> Trusted:
        """Return what a device comes to that walks from the first root."""
        root, version = VerifiedRoot.pinned(self.get("/v1/trust/1.root.json", None)), 2
        while (answer := self.ask("GET", f"/v1/trust/{version}.root.json", None)).status_code == 200:
            root, version = root.follow(answer.json()), version + 1
        return root.delegate(self.get("/v1/trust/targets.json", None))

    def token(self, plan: dict[str, Any] | None = None) -> str:
        """Make an enrolment token."""
        body = {"product": "camera", "end_user": self.end_user, "authorisation": "EX-2026-1", "plan": plan or PLAN}
        made: str = self.post("/v1/enrolment-tokens", body)["token"]
        return made

    def device(self, plan: dict[str, Any] | None = None) -> SimulatedDevice:
        """Enrol a new device."""
        device = SimulatedDevice(self.manifest)
        device.take(self.post("/v1/enrollments", device.enrollment(self.token(plan), clock.now()), None))
        self.settle()
        return device

    def check_in(self, device: SimulatedDevice, **report: Any) -> Any:
        """Let a device report, and take the answer."""
        answer = self.send(device, device.evidence(clock.now(), **report))
        device.take(answer)
        self.settle()
        return answer

    def send(self, device: SimulatedDevice, body: dict[str, Any]) -> Any:
        """Send evidence as it is."""
        return self.post(f"/v1/devices/{device.id}/evidence", body, None)

    def fork(self, device: SimulatedDevice) -> Any:
        """Let a device and a copy of it continue one receipt, and return what the copy is answered."""
        first, second = (device.evidence(clock.now()) for _ in range(2))
        answer = self.send(device, first)
        refused = self.send(device, second)
        device.take(answer)
        self.settle()
        return refused

    def lists(self, device: SimulatedDevice) -> dict[str, int]:
        """Return the ``seq`` of every status list that a device's entitlement refers to."""
        assert device.entitlement is not None
        uris = {grant["status"]["uri"] for grant in device.entitlement["grants"].values()}
        return {uri: self.status_list(uri)["seq"] for uri in uris}

    def status_list(self, uri: str) -> Any:
        """Return the claims of a status list."""
        response = self.ask("GET", uri.removeprefix(self.settings.public_url), None)
        assert response.status_code == 200, response.text
        return payload(response.text)

    def order(self, kind: str, **members: Any) -> Any:
        """Place an order and let the lists follow."""
        reason = {"reason_code": "misuse_reported", "reason_text": "Reported by two journalists."}
        placed = self.post("/v1/orders", {"kind": kind} | reason | members)
        self.settle()
        return placed

    def _hire(self) -> None:
        self.tokens = dict.fromkeys(Role, self.administrator)
        for role in Role:
            body = {"name": f"Only {role}", "roles": [role]}
            self.people[role] = self.post("/v1/people", body, Role.ADMINISTRATOR)["id"]
        self.tokens |= {
            role: self.post(f"/v1/people/{person}/tokens", {}, Role.ADMINISTRATOR)["token"]
            for role, person in self.people.items()
        }

    def _sell(self) -> None:
        product = {"id": "camera", "name": "Camera", "vendor_key": self.vendor.key.jwk}
        self.post("/v1/products", product, Role.VENDOR)
        self.manifest = self.release("1.0")["manifest"]
        self.end_user = self.post("/v1/parties", {"name": "Ministry of Parks", "country": "FR"})["id"]

    def release(self, release: str, **changes: Any) -> Any:
        """Register a release."""
        text = self.product_manifest(release, **changes).sign(self.vendor)
        return self.post("/v1/products/camera/releases", {"manifest": text}, Role.VENDOR)

    def product_manifest(self, release: str, **changes: Any) -> Manifest:
        """Return the manifest of a release."""
        values: dict[str, Any] = {
            "issuer": self.settings.issuer,
            "product": "camera",
            "release": release,
            "capabilities": frozenset({CAPABILITY, "face.identify_1toN", "av.record"}),
            "safety": frozenset({"safety.tamper_alarm"}),
            "root": PinnedRoot.parse(self.get("/v1/trust/1.root.json", None)),
            "servers": ("https://exporter.example",),
            "measure": (Component("rules", ComponentKind.FILE, "rules.json"),),
        }
        return Manifest(**values | changes)
