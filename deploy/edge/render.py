"""Renders the edge of docker-compose.yml from the routing table: `python -m deploy.edge.render`."""

from pathlib import Path

from contracts.routes import ROUTES
from devstack.embedded.caddyfile import render_caddyfile

CADDYFILE = Path(__file__).parent / "Caddyfile"
LISTEN = "http://:8080"
SERVICE_PORT = 8080
# for the health check, which reloads what is loaded already; a socket, as nobody else may ask
ADMIN = "unix//tmp/caddy-admin.sock"


def render() -> str:
    """Return the Caddyfile; a service's name resolves to all of its containers."""
    upstreams = {route.owner: f"{route.owner}:{SERVICE_PORT}" for route in ROUTES}
    return render_caddyfile(ROUTES, upstreams, listen=LISTEN, admin=ADMIN, discover=True)


if __name__ == "__main__":
    CADDYFILE.write_text(render())
