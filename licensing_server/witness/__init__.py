"""A witness of other people's logs, for an NGO or a regulator: it needs nothing of an exporter's server.

It sees that each log that it knows only grows, and says so by cosigning (c2sp.org/tlog-witness).
"""

from licensing_server.witness.app import create_app
from licensing_server.witness.folder import begin, open_witness
from licensing_server.witness.witness import Known, Reply, Witness

__all__ = ["Known", "Reply", "Witness", "begin", "create_app", "open_witness"]
