"""People, the roles they hold, the API tokens that belong to them, and what takes two of them."""

from licensing_server.accounts.authenticate import authenticate
from licensing_server.accounts.four_eyes import (
    SecondRefused,
    begin,
    change_as_second,
    decide,
    note_refusal,
    refuse_same,
)
from licensing_server.accounts.people import add_person
from licensing_server.accounts.restoration import (
    close_for_restoration,
    refuse_while_waiting,
    restoration_waits,
    waiting,
)
from licensing_server.accounts.tokens import issue_token

__all__ = [
    "SecondRefused",
    "add_person",
    "authenticate",
    "begin",
    "change_as_second",
    "close_for_restoration",
    "decide",
    "issue_token",
    "note_refusal",
    "refuse_same",
    "refuse_while_waiting",
    "restoration_waits",
    "waiting",
]
