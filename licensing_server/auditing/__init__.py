"""The auditor's tools: they believe signatures and hashes only, and run without the server and its libraries.

This room imports the standard library and the protocol, so that ``interlock audit`` works on the base install.
"""

from licensing_server.auditing.errors import Discrepancy, SourceUnreachable
from licensing_server.auditing.source import Folder, Source
from licensing_server.auditing.verify import Head, Verified, verify_log

__all__ = ["Discrepancy", "Folder", "Head", "Source", "SourceUnreachable", "Verified", "verify_log"]
