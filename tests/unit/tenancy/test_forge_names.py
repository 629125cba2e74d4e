"""ARIs of Forge, and which gateways may be named."""

import pytest

from services.tenancy.domain.forge import ApiHosts, environment_of, installation_of

CLOUD = "4c822e2f-510f-48b9-b8d2-8419d0932949"
GATEWAY = f"https://api.atlassian.com/ex/jira/{CLOUD}"
STANDIN = f"http://127.0.0.1:8100/ex/jira/{CLOUD}"


def test_the_cloud_id_is_in_the_url_of_an_allowed_host() -> None:
    assert ApiHosts().cloud_of(GATEWAY) == CLOUD
    assert ApiHosts(("127.0.0.1",), relaxed=True).cloud_of(STANDIN) == CLOUD


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https://[/ex/jira/x",
        GATEWAY.replace("https:", "http:"),
        GATEWAY.replace(".com", ".com:443"),
        GATEWAY.replace(".com", ".com:"),
        GATEWAY.replace(".com", ".com:x"),
        GATEWAY.replace("//", "//user@"),
        GATEWAY.replace("//", "//@"),
        GATEWAY.replace("api", "API"),
        GATEWAY.replace("api.atlassian.com", "api.atlassian.com.evil.example"),
        GATEWAY.replace("api.atlassian.com", "evil.example"),
        GATEWAY.replace("/jira/", "/confluence/"),
        GATEWAY + "/",
        GATEWAY + "/rest",
        GATEWAY + "?x",
        GATEWAY + "?",
        GATEWAY + "#",
        GATEWAY + "\n",
        " " + GATEWAY,
        GATEWAY.replace("/ex", "/e\tx"),
        GATEWAY.replace("https", "HTTPS"),
        GATEWAY[:-1] + "é",
        GATEWAY.replace(CLOUD, ""),
        GATEWAY.replace(CLOUD, ".."),
        GATEWAY.replace(CLOUD, "x" * 65),
        STANDIN,
    ],
)
def test_every_other_url_has_none(url: str) -> None:
    assert ApiHosts().cloud_of(url) is None


def test_a_stand_ins_freedom_is_not_atlassians() -> None:
    hosts = ApiHosts(("127.0.0.1", "api.atlassian.com"), relaxed=True)
    assert hosts.cloud_of(GATEWAY) == CLOUD
    assert hosts.cloud_of(GATEWAY.replace("https:", "http:")) is None
    assert hosts.cloud_of(GATEWAY.replace(".com", ".com:8443")) is None
    assert ApiHosts(("127.0.0.1",)).cloud_of(STANDIN) is None


def test_aris_are_known_by_their_last_part() -> None:
    assert installation_of(f"ari:cloud:ecosystem::installation/{CLOUD}") == CLOUD
    assert installation_of(CLOUD) == CLOUD
    assert environment_of(f"ari:cloud:ecosystem::environment/app-id/{CLOUD}") == CLOUD
    assert environment_of(CLOUD) == CLOUD
    for text in ("", "a/b", f"ari:cloud:ecosystem::app/{CLOUD}", CLOUD + "\n", "../x", "x" * 65):
        assert installation_of(text) is None
        assert environment_of(text) is None
