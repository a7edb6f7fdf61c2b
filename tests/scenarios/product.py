"""A product with the agent in it: ``python -m tests.scenarios.product FOLDER …``, one JSON object a line in and out.

``{"do": "decide", "capability": "av.record"}`` is answered with ``{"granted": false, "code": …, "sentence": …}``;
``COMMANDS`` says what else it can be told. What goes wrong is answered with ``{"error": …, "code": …}``.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device_agent import Agent, CapabilityDenied, Denied, Granted
from device_agent.errors import AgentError
from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.errors import InterlockError
from licensing_protocol.limits import Fix
from tests.scenarios.ports import Dial, ToldClock, ToldLine, ToldReceiver


@dataclass
class Product:
    """The device: an agent, and the ports through which it meets its world."""

    folder: Path
    clock: ToldClock
    receivers: list[ToldReceiver]
    line: ToldLine = field(default_factory=ToldLine)

    def __post_init__(self) -> None:
        """Open the agent as any product does."""
        self.agent = Agent.open(
            self.folder / "agent",
            manifest=(self.folder / "manifest.jws").read_text("ascii"),
            vendor_key=decode_object((self.folder / "vendor-key.json").read_bytes()),
            clock=self.clock,
            transport=self.line,
            location=self.receivers or None,
            sync_every=None,
        )

    def obey(self, told: JsonObject) -> JsonObject:
        """Do what one line says, and return the answer."""
        try:
            return COMMANDS[told.pop("do")](self, told)
        except CapabilityDenied as refusal:
            return _shown(refusal.denied)
        except (AgentError, InterlockError) as error:
            return {"error": str(error), "code": error.code}


def _decide(product: Product, told: JsonObject) -> JsonObject:
    return _shown(product.agent.decide(told.pop("capability"), **_use(told)))


def _use_once(product: Product, told: JsonObject) -> JsonObject:
    with product.agent.use(told.pop("capability"), **_use(told)) as granted:
        return _shown(granted)


def _use(told: JsonObject) -> dict[str, Any]:
    return told | {"operators": tuple(told.get("operators", ()))}


def _shown(decision: Granted | Denied) -> JsonObject:
    if isinstance(decision, Denied):
        return {"granted": False, "code": decision.reason.code, "sentence": decision.reason.sentence}
    reason = decision.reason
    return {"granted": True, "degraded": decision.degraded, "code": "granted" if reason is None else reason.code}


def _clock(product: Product, told: JsonObject) -> JsonObject:
    product.clock.dial = Dial(**{name: float(value) for name, value in told.items()})
    return {}


def _place(product: Product, told: JsonObject) -> JsonObject:
    for receiver, fix in zip(product.receivers, told["fixes"], strict=True):
        receiver.tell(None if fix is None else Fix.parse(fix))
    return {"asked": all(receiver.wait() for receiver in product.receivers)}


def _locate(product: Product, told: JsonObject) -> JsonObject:
    product.agent.locate(Fix.parse(told))
    return {}


def _line(product: Product, told: JsonObject) -> JsonObject:
    product.line.state, product.line.old = told["state"], told.get("old", "")
    return {}


def _enroll(product: Product, told: JsonObject) -> JsonObject:
    return product.agent.enroll(told["token"]).to_json() | {"device": product.agent.device_id}


def _sync(product: Product, told: JsonObject) -> JsonObject:
    return product.agent.sync().to_json()


def _import(product: Product, told: JsonObject) -> JsonObject:
    return product.agent.import_answer(told["path"]).to_json()


def _status(product: Product, told: JsonObject) -> JsonObject:
    return product.agent.status().to_json()


COMMANDS: Mapping[str, Callable[[Product, JsonObject], JsonObject]] = {
    "decide": _decide,
    "use": _use_once,
    "clock": _clock,
    "place": _place,
    "locate": _locate,
    "line": _line,
    "enroll": _enroll,
    "sync": _sync,
    "import": _import,
    "status": _status,
}


def main() -> None:
    """Run until standard input ends."""
    parser = ArgumentParser(prog="python -m tests.scenarios.product", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--boot", required=True)
    parser.add_argument("--ahead", type=float, required=True)
    parser.add_argument("--began", type=float, required=True)
    parser.add_argument("--receivers", type=int, default=0)
    given = parser.parse_args()
    clock = ToldClock(Dial(given.ahead, given.began), given.boot)
    product = Product(given.folder, clock, [ToldReceiver() for _ in range(given.receivers)])
    with product.agent:
        for line in sys.stdin:
            sys.stdout.write(encode(product.obey(decode_object(line.encode()))).decode() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
