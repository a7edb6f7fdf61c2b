"""The sequencer as a job; heads are signed by :class:`licensing_server.audit_log.sign.Checkpoints`."""

from __future__ import annotations

from licensing_server.audit_log.sequence import look, sequence
from licensing_server.jobs import Job

JOBS = (Job("sequencer", sequence, look),)
AFTERWARDS = (Job("sequencer", sequence, look, 1),)
"""For what jobs themselves queue: those that do so most rest for a second between two runs, and this with them."""
