"""Base URLs of Jira sites: which we accept from an install and call afterwards."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

CLOUD_SUFFIXES = (
    ".atlassian.net",
    ".jira.com",
    ".jira-dev.com",
    ".atlassian-us-gov-mod.net",
    ".atlassian-us-gov.net",
)
"""Site hosts of Jira Cloud, staging and the US government's included. Source: facts.md 2.3."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class BadSite(ValueError):
    """The URL is no site that we accept; the message says why."""


@dataclass(frozen=True)
class SiteRules:
    """What beside the built-in suffixes is allowed.

    ``hosts`` are exact host names, or suffixes that begin with a dot. ``relaxed`` allows http and
    a port to those hosts, and to those only: it is for a stand-in.
    """

    hosts: tuple[str, ...] = ()
    relaxed: bool = False

    def normalised(self, base_url: str) -> str:
        """Return ``scheme://host[:port]``; raise ``BadSite`` for anything but a plain site."""
        try:
            parts = urlsplit(base_url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise BadSite("baseUrl is not a URL") from None
        if parts.username is not None or parts.password is not None:
            raise BadSite("baseUrl must not hold a user")
        if parts.path not in {"", "/"} or "?" in base_url or "#" in base_url:
            raise BadSite("baseUrl must not have a path or query")
        extra = _matches(host, self.hosts)
        if not _HOST.fullmatch(host) or not (extra or _matches(host, CLOUD_SUFFIXES)):
            raise BadSite("the host of baseUrl is not allowed")
        relaxed = self.exempt(host)
        if parts.scheme != "https" and not (relaxed and parts.scheme == "http"):
            raise BadSite("baseUrl must be https")
        if port is None and not parts.netloc.endswith(":"):
            return f"{parts.scheme}://{host}"
        if port is None or not relaxed:
            raise BadSite("baseUrl must not have a port")
        return f"{parts.scheme}://{host}:{port}"

    def exempt(self, host: str) -> bool:
        """Whether the host is a stand-in's, which may be on this machine."""
        return self.relaxed and _matches(host, self.hosts)


def _matches(host: str, allowed: tuple[str, ...]) -> bool:
    return any(
        host.endswith(name) and len(host) > len(name) if name.startswith(".") else host == name
        for name in allowed
    )
