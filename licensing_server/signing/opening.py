"""Which key store the settings choose."""

from __future__ import annotations

from licensing_server.config import Settings
from licensing_server.problem import Unavailable
from licensing_server.signing.custody import KeyStore
from licensing_server.signing.files import FileKeys


def key_store(settings: Settings) -> KeyStore:
    """Return where this server's signing keys are kept.

    Raises:
        Unavailable: ``signing.extra``, ``signing.settings`` or ``signing.token``; the sentence says what to do.
    """
    if settings.signing == "file":
        passphrase = None if settings.key_passphrase is None else settings.key_passphrase.get_secret_value()
        return FileKeys(settings.data_dir, passphrase)
    if settings.pkcs11_module is None or settings.pkcs11_pin is None:
        raise Unavailable("signing.settings", "Keys in a token need INTERLOCK_PKCS11_MODULE and INTERLOCK_PKCS11_PIN.")
    try:
        from licensing_server.signing.pkcs11 import TokenKeys
    except ModuleNotFoundError as error:
        sentence = "Keys in a token need another package; run: pip install 'interlock[pkcs11]'"
        raise Unavailable("signing.extra", sentence) from error
    return TokenKeys.open(settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_pin.get_secret_value())
