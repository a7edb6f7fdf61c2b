"""The product: what it can do, each ability behind the agent. Everything that an embedding vendor writes is here."""

from __future__ import annotations

from pathlib import Path

from skimage import io

from device_agent import Agent, CapabilityDenied, Denied, Granted
from examples.face_camera import faces, rules
from examples.face_camera.faces import Frame
from examples.face_camera.gallery import HOLDER, Gallery
from examples.face_camera.receiver import Receiver
from examples.face_camera.sensor import Sensor
from licensing_protocol.canonical import JsonObject, decode_object

RECORDING_LIGHT = "recording-light"
GATED = ("av.record", "face.crowd_scan", "face.identify_1toN", "face.verify_1to1", "safety.tamper_alarm")
_HONOURED = frozenset({RECORDING_LIGHT})


class UnmetObligation(Exception):
    """The grant asks for something that this camera does not know how to do, so the camera does not use the grant."""


class Camera:
    """A camera at a door. Methods raise :class:`device_agent.CapabilityDenied` where the entitlement does not allow."""

    def __init__(self, folder: Path, *, sync_every: float | None = 60.0) -> None:
        self.folder = folder
        self.sensor = Sensor()
        self.settings: JsonObject = {"retention_days": 30}
        self.agent = Agent.open(
            folder / "agent",
            manifest=(folder / "manifest.jws").read_text("ascii").strip(),
            vendor_key=decode_object((folder / "vendor-key.json").read_bytes()),
            product_folder=folder,
            settings=lambda: self.settings,
            location=Receiver(folder / "track.csv"),
            sync_every=sync_every,
        )

    def verify(self) -> JsonObject:
        """Compare the face in front of the camera with the badge holder's: two faces and nobody else."""
        with self.agent.use("face.verify_1to1") as granted:
            _honour(granted)
            return self._compare()

    def identify(self, *, authority: str | None, operators: tuple[str, ...] = (), candidates: int = 3) -> JsonObject:
        """Search the gallery for the face in front of the camera; the best ``candidates`` references come back."""
        with self.agent.use(
            "face.identify_1toN", authority=authority, operators=operators, candidates=candidates
        ) as granted:
            _honour(granted)
            return self._search(0 if _must(granted, "count_only") else candidates)

    def scan(self) -> JsonObject:
        """Compare every face in sight with every reference, without being asked about anybody."""
        with self.agent.use("face.crowd_scan") as granted:
            _honour(granted)
            return self._search(1)

    def record(self, *, frames: int = 1) -> JsonObject:
        """Store so many frames, with faces blurred where the grant asks for it."""
        with self.agent.use("av.record", frames=frames) as granted:
            _honour(granted)
            blurred = _must(granted, "blur_faces")
            stored = [self._store(blurred=blurred) for _ in range(frames)]
            return {"stored": stored, "blurred": blurred, "light": RECORDING_LIGHT in granted.obligations}

    def tamper_alarm(self) -> JsonObject:
        """Say whether somebody covers the lens. A safety function: the manifest says so, and it is never gated."""
        with self.agent.use("safety.tamper_alarm"):
            return {"alarm": faces.is_covered(self.sensor.look())}

    def menu(self) -> JsonObject:
        """Say of each ability what would come of it now, so that the screen offers nothing that is not allowed."""
        return {name: _label(self.agent.decide(name)) for name in GATED}

    def patrol(self) -> JsonObject:
        """Look once, and do what the rule file says; an action that is denied is left out, and said to be."""
        seen = len(faces.detect(self.sensor.look()))
        fitting = rules.read(self.folder / "rules.json").fitting(seen)
        return {"faces": seen, "rules": {rule.name: self._follow(rule.action) for rule in fitting}}

    def _follow(self, action: str) -> JsonObject:
        actions = {"record": self.record, "scan": self.scan, "verify": self.verify}
        try:
            return actions[action]()
        except CapabilityDenied as refusal:
            return {"denied": refusal.denied.reason.code}

    def _compare(self) -> JsonObject:
        frame = self.sensor.look()
        threshold = rules.read(self.folder / "rules.json").match
        holder = Gallery(self.folder / "gallery").one(HOLDER)
        best = max((faces.resemblance(faces.crop(frame, box), holder) for box in faces.detect(frame)), default=0.0)
        return {"same_person": best >= threshold, "resemblance": round(best, 3)}

    def _search(self, candidates: int) -> JsonObject:
        frame = self.sensor.look()
        gallery = Gallery(self.folder / "gallery")
        found = [gallery.ranked(faces.crop(frame, box))[:candidates] for box in faces.detect(frame)]
        shown = [
            [{"reference": match.reference, "resemblance": round(match.resemblance, 3)} for match in best]
            for best in found
        ]
        return {"faces": len(found)} | ({"candidates": shown} if candidates else {})

    def _store(self, *, blurred: bool) -> str:
        frame: Frame = self.sensor.look()
        if blurred:
            frame = faces.blur(frame, faces.detect(frame))
        recordings = self.folder / "recordings"
        recordings.mkdir(exist_ok=True)
        path = recordings / f"{1 + len(list(recordings.iterdir())):05}.png"
        io.imsave(path, frame, check_contrast=False)
        return str(path.relative_to(self.folder))


def _label(decision: Granted | Denied) -> str:
    if isinstance(decision, Denied):
        return str(decision.reason.code)
    return "granted" if decision.degraded is None else "degraded"


def _must(granted: Granted, parameter: str) -> bool:
    """Whether the agent allowed the use in a degraded form only, and that form asks for this."""
    return bool((granted.degraded or {}).get(parameter))


def _honour(granted: Granted) -> None:
    """Refuse to go on where the grant obliges the product to something that it was never taught.

    Raises:
        UnmetObligation: it names what.
    """
    unknown = sorted(set(granted.obligations) - _HONOURED)
    if unknown:
        raise UnmetObligation(f"This camera cannot honour: {', '.join(unknown)}; it needs a newer release.")
