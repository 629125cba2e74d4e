"""The one exception tree. Services raise these; ``kit.http.errors`` turns them into HTTP once.

    OstroError
    ├── InvalidInput       400
    ├── Unauthenticated    401
    ├── Forbidden          403
    ├── NotFound           404
    ├── Conflict           409
    ├── TooLarge           413
    ├── Misdirected        421
    ├── Unprocessable      422
    ├── TooManyRequests    429  (retry after, in seconds)
    └── Unavailable        503  (retry after, in seconds)

Messages go to the client: they name what is wrong and never hold another tenant's data.
"""

from collections.abc import Mapping
from typing import ClassVar


class OstroError(Exception):
    """Base. ``message`` is shown to the caller."""

    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


class InvalidInput(OstroError):
    """The request breaks a rule of its schema or names something unusable."""

    status = 400


class Unauthenticated(OstroError):
    """No token, or one that proves nothing."""

    status = 401


class Forbidden(OstroError):
    """Known, but not allowed."""

    status = 403


class NotFound(OstroError):
    """Unknown, or not visible to the caller: both answer alike."""

    status = 404


class Conflict(OstroError):
    """The state of the thing does not allow it."""

    status = 409


class TooLarge(OstroError):
    """Above a cap; the message names the cap."""

    status = 413


class Misdirected(OstroError):
    """The tenant lives in another cell."""

    status = 421


class Unprocessable(OstroError):
    """Well-formed and still impossible."""

    status = 422


class TooManyRequests(OstroError):
    """A quota is used up; ``retry_after`` says when to come back."""

    status = 429


class Unavailable(OstroError):
    """Kafka, MongoDB or another service is down. Nothing was changed; try again."""

    status = 503

    def __init__(
        self,
        message: str,
        *,
        retry_after: int | None = 5,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after, headers=headers)
