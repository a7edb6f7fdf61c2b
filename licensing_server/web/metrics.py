"""Figures for Prometheus. Labels are patterns and codes, never ids, tokens or positions."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
REQUESTS = Counter("interlock_requests", "HTTP requests", ["method", "route", "status"], registry=REGISTRY)
SECONDS = Histogram("interlock_request_seconds", "Time to answer", ["method", "route"], registry=REGISTRY)
WAITING = Gauge("interlock_status_waiters", "Requests that wait for a status list", registry=REGISTRY)
LAG = Gauge("interlock_sequencer_lag_seconds", "Age of the oldest entry without an index", registry=REGISTRY)
