"""People, the roles they hold and the API tokens that belong to them."""

from licensing_server.accounts.authenticate import authenticate
from licensing_server.accounts.people import add_person
from licensing_server.accounts.restoration import (
    close_for_restoration,
    refuse_while_waiting,
    restoration_waits,
    waiting,
)
from licensing_server.accounts.tokens import issue_token

__all__ = [
    "add_person",
    "authenticate",
    "close_for_restoration",
    "issue_token",
    "refuse_while_waiting",
    "restoration_waits",
    "waiting",
]
