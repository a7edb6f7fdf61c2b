"""Chapter one: the exporter starts a server, the vendor signs a product, compliance approves what one camera may do."""

from __future__ import annotations

from pathlib import Path

from examples.demo.processes import free_port
from examples.demo.world import World
from licensing_protocol.canonical import decode_object

APPEAL = "appeals@exporter.example"
END_USER = "Ville de Strasbourg"
ENROLMENT_TOKEN = "enrolment.token"
MANIFEST, VENDOR_KEY = "camera-1.0.jws", "vendor.jwk.json"
_DESCRIPTION = Path(__file__).parents[1] / "face_camera" / "product.json"
_PLAN = Path(__file__).with_name("plan.json")
_STAFF = (("Cleo", "compliance"), ("Vic", "vendor"), ("Aud", "auditor"))


def play(world: World) -> None:
    """Play the chapter; it leaves an enrolment token in a file."""
    world.screen.chapter("The exporter's office", "A server, a signed product, and a plan for one camera in France.")
    _first_start(world)
    _hire(world)
    _sign_product(world)
    _approve(world)


def _first_start(world: World) -> None:
    server = f"http://127.0.0.1:{free_port()}"
    with world.steps.step("The exporter starts a licensing server", f"it answers at {server}, on SQLite") as step:
        words = ["init", "--data-dir", "server", "--administrator", "Ada", "--issuer", "Example Optics"]
        words += ["--public-url", server, "--port", server.rpartition(":")[2], "--appeal", APPEAL]
        made = world.terminal.interlock(*words)
        process = world.processes.start("server", "licensing_server.cli", ["serve", "--data-dir", "server", "--json"])
        announced = decode_object(process.hear().encode("utf-8"))
        world.screen.command(["interlock", "serve", "--data-dir", "server"], announced)
        world.server = str(announced["server"])
        world.hire("Ada", "administrator", made["administrator"], made["token_file"])
        database = world.folder / "server" / "interlock.db"
        step.holds(world.server == server and database.exists(), f"process {process.pid} answers at {world.server}")


def _hire(world: World) -> None:
    administrator = world.staff["administrator"]
    with world.steps.step("The administrator gives three people one role each", "three secret tokens") as step:
        for name, role in _STAFF:
            person = administrator.types("people", "add", name, "--role", role)
            administrator.types("people", "token", person["id"], "--out", f"{role}.token")
            world.hire(name, role, person["id"], f"{role}.token")
        modes = {(world.folder / f"{role}.token").stat().st_mode & 0o777 for _, role in _STAFF}
        told = ", ".join(f"{name}: {role}" for name, role in _STAFF)
        step.holds(modes == {0o600}, f"{told}; each token is readable by its owner alone")


def _sign_product(world: World) -> None:
    vendor = world.staff["vendor"]
    with world.steps.step("The vendor signs what the camera can do and what is measured of it", "a release") as step:
        vendor.types("products", "vendor-key", "vendor.pem")
        vendor.types("products", "add", "face-camera", "--name", "Face camera", "--vendor-key", VENDOR_KEY)
        description = world.write_down(_DESCRIPTION)
        signed = vendor.types("products", "manifest", description, "--key", "vendor.pem", "--out", MANIFEST)
        release = vendor.types("products", "release", "face-camera", MANIFEST)
        came = f"release {release['release']} with the manifest {release['manifest']}"
        step.holds(release["manifest"] == signed["manifest"], came)


def _approve(world: World) -> None:
    compliance = world.staff["compliance"]
    with world.steps.step("Compliance approves a plan for one camera of one end-user", "a one-time token") as step:
        party = compliance.types("parties", "add", END_USER, "--country", "FR")
        words = ["devices", "token", "--product", "face-camera", "--end-user", party["id"]]
        words += ["--authorisation", "EX-2026-0117", "--plan", world.write_down(_PLAN), "--out", ENROLMENT_TOKEN]
        made = compliance.types(*words)
        step.holds(made["redeemed_at"] is None, f"the token {made['id']}, not used yet")
