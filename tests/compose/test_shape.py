"""Networks, privileges, limits and settings of docker-compose.yml."""

import re

import pytest

from contracts.routes import ROUTES
from contracts.tenancy import SERVICES
from deploy.edge.render import CADDYFILE, SERVICE_PORT, render
from tests.compose.composefile import ONE_SHOTS, ROOT, compose, containers, environment, variables

DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()


def test_every_service_of_the_house_is_a_container_built_from_the_one_dockerfile() -> None:
    for service in SERVICES:
        build = containers()[service]["build"]
        assert build == {
            "context": ".",
            "dockerfile": "deploy/Dockerfile",
            "args": {"SERVICE": service},
        }


@pytest.mark.parametrize("name", containers())
def test_no_container_has_more_rights_than_it_needs(name: str) -> None:
    container = containers()[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert not container.get("privileged")
    assert set(container.get("cap_add", [])) <= ({"NET_BIND_SERVICE"} if name == "edge" else set())
    user = container.get("user") or re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert int(user.partition(":")[0]) > 0


@pytest.mark.parametrize("name", containers())
def test_every_container_has_limits_and_a_restart_policy(name: str) -> None:
    container = containers()[name]
    assert container["restart"] == ("on-failure" if name in ONE_SHOTS else "unless-stopped")
    assert {"mem_limit", "cpus", "pids_limit", "logging"} <= container.keys()


@pytest.mark.parametrize("name", containers().keys() - ONE_SHOTS)
def test_every_lasting_container_has_a_health_check(name: str) -> None:
    from_image = "deploy/Dockerfile" in str(containers()[name].get("build"))
    assert "healthcheck" in containers()[name] or (from_image and "HEALTHCHECK" in DOCKERFILE)


@pytest.mark.parametrize("name", containers())
def test_every_container_can_be_scaled_alone_and_only_the_edge_is_published(name: str) -> None:
    assert "container_name" not in containers()[name]
    assert ("ports" in containers()[name]) == (name == "edge")


def test_only_telemetry_reaches_processors_and_only_tenancy_reaches_jira() -> None:
    networks = compose()["networks"]
    leads_out = {n for n, options in networks.items() if not (options or {}).get("internal")}
    assert leads_out == {"edge", "jira", "processors"}
    members = {n: {c for c, o in containers().items() if n in o["networks"]} for n in networks}
    assert members["processors"] == {"telemetry"}
    assert members["jira"] == {"tenancy"}
    assert members["edge"] == {"edge"}
    assert members["frontend"] == {"edge", *SERVICES}
    assert members["backend"] == set(SERVICES)
    assert members["kafka"] == {"kafka", "topics", "acls", "kafka-users", *SERVICES}
    assert members["mongo"] == {"mongo", "mongo-init", *SERVICES}


def test_the_edge_is_rendered_from_the_routing_table() -> None:
    assert CADDYFILE.read_text() == render(), "run: python -m deploy.edge.render"


def test_the_edge_knows_the_public_port_of_each_owner_and_no_internal_one() -> None:
    upstreams = set(re.findall(r"import upstream (\S+ \S+)", render()))
    assert upstreams == {f"{route.owner} {SERVICE_PORT}" for route in ROUTES}
    for service in SERVICES:
        assert environment(service)["OSTRO_HTTP_PORT"] == str(SERVICE_PORT)
        assert environment(service)["OSTRO_INTERNAL_PORT"] != str(SERVICE_PORT)


def test_internal_urls_name_the_containers_and_their_internal_port() -> None:
    for service in SERVICES:
        for peer in SERVICES:
            port = environment(peer)["OSTRO_INTERNAL_PORT"]
            url = environment(service)[f"OSTRO_{peer.upper()}_URL"]
            assert url == f"http://{peer}:{port}"


def test_every_setting_of_the_file_is_documented() -> None:
    example = (ROOT / ".env.example").read_text()
    documented = re.findall(r"^#?([A-Z0-9_]+)=", example, re.MULTILINE)
    assert sorted(documented) == sorted(variables())


def test_the_documented_defaults_are_the_defaults_of_the_file() -> None:
    file = (ROOT / "docker-compose.yml").read_text()
    shown = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert shown == dict(re.findall(r"\$\{(\w+):-([^}]*)\}", file))


def test_the_image_holds_the_shared_packages_and_one_service() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert copied == [
        "requirements/${SERVICE}.txt",
        "contracts",
        "kit",
        "services/__init__.py",
        "services/${SERVICE}",
    ]
