"""Status lists: two bits for every grant ever issued, signed a shard at a time."""

from licensing_server.status_lists.board import Board
from licensing_server.status_lists.shards import (
    allocate,
    give_up_unknown,
    listed_about,
    listed_in,
    open_shard,
    set_many,
    set_status,
    shard_uri,
)

__all__ = [
    "Board",
    "allocate",
    "give_up_unknown",
    "listed_about",
    "listed_in",
    "open_shard",
    "set_many",
    "set_status",
    "shard_uri",
]
