"""The exchange with the exporter: enrolment, reports, status lists; by network or by file (protocol §9)."""

from device_agent.exchange.device import Device
from device_agent.exchange.exchange import Exchange
from device_agent.exchange.http import HttpTransport
from device_agent.exchange.patience import Patience
from device_agent.exchange.report import Problem, SyncReport
from device_agent.exchange.transport import Arriving, Request, Transport

__all__ = [
    "Arriving",
    "Device",
    "Exchange",
    "HttpTransport",
    "Patience",
    "Problem",
    "Request",
    "SyncReport",
    "Transport",
]
