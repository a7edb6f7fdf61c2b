"""The device's key: made once, kept by an attester, and never handed out."""

from device_agent.attestation.attester import Attester, SoftwareAttester

__all__ = ["Attester", "SoftwareAttester"]
