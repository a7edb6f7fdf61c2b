"""Key custody: who signs documents for this exporter, and where the private keys are kept."""

from licensing_server.signing.custody import Custody, KeyStore, Signatory, custody
from licensing_server.signing.files import FileKeys, mac_key
from licensing_server.signing.opening import key_store

__all__ = ["Custody", "FileKeys", "KeyStore", "Signatory", "custody", "key_store", "mac_key"]
