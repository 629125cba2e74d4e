"""The edge: Caddy sends each path to the service that the routing table names."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from contracts.routes import ROUTES, Route, owner_of
from contracts.tenancy import SERVICES
from devstack.embedded.caddy import CaddySite, start_caddy
from devstack.embedded.caddyfile import render_caddyfile
from devstack.embedded.guard import guarded_folder
from devstack.embedded.ports import free_ports

PATHS = (
    "/v2/testcases",
    "/v2/testcases/DEMO-T1/links?x=1",
    "/v2/links/12",
    "/v2/links/13",
    "/v2/links/abc",
    "/v2/issuelinks/DEMO-1/executions",
    "/v2/issuelinks/DEMO-1/testcases",
    "/v2/automations/executions/junit",
    "/v2/automations/testcases",
    "/v2/testcycles",
    "/v2/projects/DEMO",
    "/v2/no-such-thing",
    "/ostro/v1/executions/uploads/1",
    "/connect/installed",
    "/.well-known/jwks.json",
    "/docs",
    "/docs/start.js",
)


def test_every_route_is_rendered_in_order() -> None:
    text = render_caddyfile(ROUTES, {name: f"{name}:1" for name in SERVICES}, listen=":80")
    places = [text.index(f"path_regexp `{route.pattern}`") for route in ROUTES]
    assert places == sorted(places)
    assert "bind" not in text


def test_a_pattern_that_could_leave_its_quotes_is_refused() -> None:
    with pytest.raises(ValueError, match="backquote"):
        render_caddyfile([Route("^/`", "tenancy")], {"tenancy": "t:1"}, listen=":80")


class _Named(ThreadingHTTPServer):
    """Answers every request with its own name."""

    name = ""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Named)
        body = f"{self.server.name} {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing."""


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Caddy in front of three services; the fourth, telemetry, is down."""
    servers: list[_Named] = []
    upstreams = {}
    port, down = free_ports(2)
    for name in SERVICES:
        server = _Named(("127.0.0.1", 0), _Handler)
        server.name = name
        upstreams[name] = f"127.0.0.1:{server.server_port}"
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    upstreams["telemetry"] = f"127.0.0.1:{down}"
    folder: Path = tmp_path_factory.mktemp("edge") / "caddy"
    with guarded_folder(folder) as guard:
        site = CaddySite(folder, port, upstreams)
        start_caddy(site, started=guard.watch)
        with httpx.Client(base_url=site.url, trust_env=False) as client:
            yield client
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("path", PATHS)
def test_a_path_reaches_its_owner(edge: httpx.Client, path: str) -> None:
    assert edge.get(path).text == f"{owner_of(path.partition('?')[0])} {path}"


def test_the_name_that_a_client_asked_for_does_not_matter(edge: httpx.Client) -> None:
    answer = edge.get("/v2/projects", headers={"host": "api.zephyrscale.smartbear.com"})
    assert answer.text == "tenancy /v2/projects"


@pytest.mark.parametrize("path", ["/", "/internal/x", "/health/ready", "/metrics", "/control/x"])
def test_what_no_route_matches_is_unknown(edge: httpx.Client, path: str) -> None:
    answer = edge.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"errorCode": 404, "message": "no such path"}


def test_a_service_that_is_down_may_be_tried_again(edge: httpx.Client) -> None:
    answer = edge.get("/ostro/v1/telemetry/consent")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errorCode"] == 503
