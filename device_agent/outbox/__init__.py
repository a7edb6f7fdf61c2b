"""The outbox: the one document that is under way, sent until it is answered (protocol §6, §7)."""

from device_agent.outbox.build import Outgoing, Surroundings, build, waiting
from device_agent.outbox.settle import Settled, settle_receipt, settle_refusal

__all__ = ["Outgoing", "Settled", "Surroundings", "build", "settle_receipt", "settle_refusal", "waiting"]
