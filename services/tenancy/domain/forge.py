"""Names of Forge: its keys and gateways, the ARIs of apps, installations and environments."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_API_HOSTS = ("api.atlassian.com",)
JWKS_URL = "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"
"""Source: facts.md 10.1."""
APP_ID = r"ari:cloud:ecosystem::app/[A-Za-z0-9-]{1,64}"
_PART = r"[A-Za-z0-9-]{1,64}"
_INSTALLATION = re.compile(rf"(?:ari:cloud:ecosystem::installation/)?({_PART})")
_ENVIRONMENT = re.compile(rf"(?:ari:cloud:ecosystem::environment/(?:{_PART}/)?)?({_PART})")
_PATH = re.compile(rf"/ex/jira/({_PART})")


@dataclass(frozen=True)
class ApiHosts:
    """Hosts of Forge's gateway that a token may name and that are called.

    ``relaxed`` allows http and a port to hosts that are not Atlassian's: it is for a stand-in.
    """

    hosts: tuple[str, ...] = DEFAULT_API_HOSTS
    relaxed: bool = False

    def cloud_of(self, api_base_url: str) -> str | None:
        """Return the cloud id in ``https://<host>/ex/jira/<cloudId>``, None for any other URL."""
        try:
            parts = urlsplit(api_base_url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        relaxed = self.relaxed and host not in DEFAULT_API_HOSTS
        scheme = parts.scheme == "https" or (relaxed and parts.scheme == "http")
        # nothing but host and, for a stand-in, port: no user, no empty port, no upper case
        plain = parts.netloc in {host, f"{host}:{port}"} and (port is None or relaxed)
        path = _PATH.fullmatch(parts.path)
        if not (scheme and plain and host in self.hosts and path):
            return None
        # no query, and nothing that urlsplit passes over: line breaks, tabs, spaces around
        whole = f"{parts.scheme}://{parts.netloc}{parts.path}"
        return path[1] if whole == api_base_url else None


def installation_of(text: str) -> str | None:
    """Return the last part of an installation's ARI, None when it is none."""
    found = _INSTALLATION.fullmatch(text)
    return found[1] if found else None


def environment_of(text: str) -> str | None:
    """Return the last part of an environment's ARI, None when it is none."""
    found = _ENVIRONMENT.fullmatch(text)
    return found[1] if found else None
