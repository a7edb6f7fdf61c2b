"""The shape of every route: who may call it, one transaction, one pagination, edits by version, limits on input."""

from licensing_server.web.access import Access, Act
from licensing_server.web.actor import Actor, Role
from licensing_server.web.coding import takes_gzip
from licensing_server.web.description import describe
from licensing_server.web.guard import guard_of, public, requires
from licensing_server.web.paging import Cursor, Page, page_of
from licensing_server.web.schemas import Body, Identifier, Reply

__all__ = [
    "Access",
    "Act",
    "Actor",
    "Body",
    "Cursor",
    "Identifier",
    "Page",
    "Reply",
    "Role",
    "describe",
    "guard_of",
    "page_of",
    "public",
    "requires",
    "takes_gzip",
]
