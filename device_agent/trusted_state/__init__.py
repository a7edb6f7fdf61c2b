"""All that the device believes, as one frozen value (protocol §2 to §5)."""

from device_agent.trusted_state.root import load_walk
from device_agent.trusted_state.state import State
from device_agent.trusted_state.subject import Subject
from device_agent.trusted_state.take import Taken, take_entitlement, take_receipt, take_status_list
from device_agent.trusted_state.take_trust import take_trust
from device_agent.trusted_state.time import Created, TrustedTime

__all__ = [
    "Created",
    "State",
    "Subject",
    "Taken",
    "TrustedTime",
    "load_walk",
    "take_entitlement",
    "take_receipt",
    "take_status_list",
    "take_trust",
]
