"""An inbound request as the verifiers need it: as it stood on the wire."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SignedRequest:
    """``target`` is the raw path and query; ``authorization`` the header, None when absent."""

    method: str
    target: str
    authorization: str | None

    def token(self, scheme: str) -> str | None:
        """Return the token behind this scheme (compared without case), None for any other."""
        found, _, token = (self.authorization or "").partition(" ")
        token = token.strip()
        return token if found.lower() == scheme.lower() and token else None
