"""An inbound request as the verifiers need it: as it stood on the wire."""

from dataclasses import dataclass
from urllib.parse import unquote


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

    def query_token(self) -> str | None:
        """Return the only parameter ``jwt``, None when there is none or more than one."""
        query = self.target.partition("#")[0].partition("?")[2]
        pieces = (piece.partition("=") for piece in query.split("&"))
        # by its decoded name, as qsh leaves it out
        found = [value for name, _, value in pieces if unquote(name.replace("+", " ")) == "jwt"]
        return unquote(found[0]) if len(found) == 1 and found[0] else None
