"""Every table of every room, for comparison with the schema's history, backup and restore."""

from licensing_server.accounts import four_eyes as _four_eyes
from licensing_server.accounts import restoration as _restoration
from licensing_server.accounts import tables as _accounts
from licensing_server.alerts import tables as _alerts
from licensing_server.audit_log import tables as _audit_log
from licensing_server.catalogue import tables as _catalogue
from licensing_server.database import Base
from licensing_server.devices import tables as _devices
from licensing_server.diligence import tables as _diligence
from licensing_server.entitlements import tables as _entitlements
from licensing_server.evidence import tables as _evidence
from licensing_server.exchange import tables as _exchange
from licensing_server.orders import tables as _orders
from licensing_server.status_lists import tables as _status_lists
from licensing_server.trust import tables as _trust
from licensing_server.web import idempotency as _idempotency
from licensing_server.witnessing import tables as _witnessing

ROOMS = (
    _accounts,
    _alerts,
    _audit_log,
    _catalogue,
    _devices,
    _diligence,
    _entitlements,
    _evidence,
    _exchange,
    _four_eyes,
    _idempotency,
    _orders,
    _restoration,
    _status_lists,
    _trust,
    _witnessing,
)
METADATA = Base.metadata
