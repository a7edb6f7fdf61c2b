"""Who acts: a person, by one of their tokens, with the roles they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from licensing_server.problem import Forbidden


class Role(StrEnum):
    """What a person may do. Roles do not contain each other: a person may hold several."""

    ADMINISTRATOR = "administrator"
    COMPLIANCE = "compliance"
    APPROVER = "approver"
    AUDITOR = "auditor"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class Actor:
    """``person`` and ``token`` are opaque ids."""

    person: str
    roles: frozenset[Role]
    token: str

    def refuse_unless(self, allowed: frozenset[Role]) -> None:
        """Raise ``Forbidden`` (``role.missing``) unless the person holds one of the allowed roles."""
        if not self.roles & allowed:
            wanted = " or ".join(sorted(allowed))
            raise Forbidden("role.missing", f"This needs the role {wanted}; ask an administrator.")


Authenticator = Callable[[Session, str, int], Actor]
"""From a session, the bearer token and the present (seconds) to the actor; raises ``Unauthenticated``."""
