"""The sequencer as a job."""

from __future__ import annotations

from licensing_server.audit_log.sequence import sequence
from licensing_server.jobs import Job

JOBS = (Job("sequencer", sequence),)
