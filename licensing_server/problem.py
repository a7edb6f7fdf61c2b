"""What the server answers when it refuses: RFC 9457 problems, each with a stable code.

::

    Problem
    ├── Unauthenticated 401, Forbidden 403
    ├── NotFound 404, Conflict 409, PreconditionFailed 412, PreconditionRequired 428
    ├── TooLarge 413, UnsupportedMedia 415, Unprocessable 422, TooMany 429
    └── Unavailable 503
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

MEDIA_TYPE = "application/problem+json"
_PLAIN_WORDS: Final = (
    (r"^Field required$", "is missing"),
    (r"^Extra inputs are not permitted$", "is not known here"),
    (r"^Value error, ", ""),
    (r"^String should match pattern '(.*)'$", r"must have the form \1 (a regular expression)"),
    (r"^(?:Input|String|List|Dictionary|Set|Tuple|Value) should ", "must "),
    (r"must be a valid dictionary.*", "must be an object"),
    (r"must be a valid (?:list|array)", "must be a list"),
    (r"must be a valid string", "must be text"),
    (r"must be a valid integer.*", "must be a whole number"),
    (r"must be a valid (number|boolean).*", r"must be a \1"),
    (r" after validation", ""),
)


class Problem(Exception):
    """A refusal: ``code`` for machines, ``detail`` tells a person what to do next."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "The server failed"

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.members = members
        self.headers: dict[str, str] = {}

    def to_json(self, request_id: str | None = None) -> dict[str, Any]:
        """Return the members of the RFC 9457 document."""
        document = {"type": f"urn:interlock:problem:{self.code}", "title": self.title, "status": self.status}
        document |= {"code": self.code, "detail": self.detail} | self.members
        return document | ({} if request_id is None else {"request_id": request_id})


class Unauthenticated(Problem):
    """No valid token was sent."""

    status = 401
    title = "Sign in first"

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.headers["WWW-Authenticate"] = 'Bearer realm="interlock"'


class Forbidden(Problem):
    """The person is known, but may not do this."""

    status = 403
    title = "Not allowed"


class NotFound(Problem):
    """There is nothing of that name."""

    status = 404
    title = "Not found"


class Conflict(Problem):
    """What is there already stands against it."""

    status = 409
    title = "In conflict with the present state"


class PreconditionFailed(Problem):
    """Somebody else changed it meanwhile."""

    status = 412
    title = "Changed meanwhile"


class TooLarge(Problem):
    """The body is larger than the server takes."""

    status = 413
    title = "Too large"


class UnsupportedMedia(Problem):
    """The body is of another media type than the server reads."""

    status = 415
    title = "Not a media type that is read here"


class Unprocessable(Problem):
    """Well-formed HTTP, but the content cannot be accepted."""

    status = 422
    title = "Cannot be accepted"


class PreconditionRequired(Problem):
    """An edit must name the version that it edits."""

    status = 428
    title = "Name the version that you edit"


class _RetryLater(Problem):
    def __init__(self, code: str, detail: str, *, retry_after: int = 1, **members: Any) -> None:
        super().__init__(code, detail, **members)
        self.headers["Retry-After"] = str(retry_after)


class TooMany(_RetryLater):
    """More requests than the rate allows."""

    status = 429
    title = "Too many requests"


class Unavailable(_RetryLater):
    """For the moment, not at all."""

    status = 503
    title = "Not available at the moment"


def in_plain_words(message: str) -> str:
    """Return what a validator found wrong in words that need no knowledge of the validator."""
    for pattern, words in _PLAIN_WORDS:
        message = re.sub(pattern, words, message)
    return message


def not_found(what: str, name: str) -> NotFound:
    """Return the usual refusal for an unknown id."""
    return NotFound(f"{what}.unknown", f"There is no {what.replace('_', ' ')} {name!r}.")
