"""Deviations of iframe, context and Forge tokens: changes of claims and headers, odd spellings."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.integration.tenancy.browser_calls import MIA
from tests.integration.tenancy.forge_site import APP_ID, ForgeSite
from tests.integration.tenancy.jira_site import FORGE_KID, GOOD_KID, qsh

FAR = 4_000_000_000
CLAIMS: dict[str, dict[str, Any]] = {
    "exp missing": {"exp": ...},
    "exp null": {"exp": None},
    "exp digits": {"exp": "99999999999"},
    "exp list": {"exp": [FAR]},
    "exp object": {"exp": {"$date": FAR}},
    "exp true": {"exp": True},
    "exp huge": {"exp": 10**400},
    "exp NaN": {"exp": float("nan")},
    "exp infinite": {"exp": float("inf")},
    "exp past": {"exp": 1_700_000_000},
    "exp past, a float": {"exp": 1_700_000_000.5},
    "iat missing": {"iat": ...},
    "iat text": {"iat": "now"},
    "iat future": {"iat": FAR, "exp": FAR + 180},
    "iat negative": {"iat": -1},
    "nbf future": {"nbf": FAR},
    "nbf text": {"nbf": "1"},
    "nbf null": {"nbf": None},
    "iss missing": {"iss": ...},
    "iss empty": {"iss": ""},
    "iss null": {"iss": None},
    "iss number": {"iss": 7},
    "iss other": {"iss": "nobody"},
    "iss surrogate": {"iss": "\ud800"},
    "iss long": {"iss": "x" * 5000},
    "oversized": {"filler": "x" * 9000},
}
QSH: dict[str, dict[str, Any]] = {
    "qsh missing": {"qsh": ...},
    "qsh null": {"qsh": None},
    "qsh list": {"qsh": ["context-qsh"]},
    "qsh empty": {"qsh": ""},
    "qsh surrogate": {"qsh": "\ud800"},
    "qsh upper case": {"qsh": "CONTEXT-QSH"},
    "qsh padded": {"qsh": "context-qsh "},
    "qsh of a hook": {"qsh": qsh("POST", "/connect/installed")},
}
HEADERS: dict[str, dict[str, Any]] = {
    "alg none": {"alg": "none"},
    "alg None": {"alg": "None"},
    "alg empty": {"alg": ""},
    "alg null": {"alg": None},
    "alg list": {"alg": ["HS256"]},
    "alg lower case": {"alg": "hs256"},
    "alg hs512": {"alg": "HS512"},
    "alg rs512": {"alg": "RS512"},
    "alg es256": {"alg": "ES256"},
    "crit": {"crit": ["exp2"], "exp2": 1},
    "crit empty": {"crit": []},
    "crit b64": {"crit": ["b64"], "b64": True},
    "b64 false": {"b64": False},
}
FORGE_HEADERS: dict[str, dict[str, Any]] = {
    "kid missing": {"kid": ...},
    "kid null": {"kid": None},
    "kid number": {"kid": 7},
    "kid list": {"kid": [FORGE_KID]},
    "kid empty": {"kid": ""},
    "kid long": {"kid": "a" * 300},
    "kid climbs": {"kid": "../../keys/x"},
    "kid url": {"kid": "https://evil.example/k"},
    "kid of an install key": {"kid": GOOD_KID},
    "kid of a short key": {"kid": "forge/small"},
    "kid newline": {"kid": f"{FORGE_KID}\n"},
}
OTHER_APP = "ari:cloud:ecosystem::app/00000000-0000-0000-0000-000000000000"


def forge_claims(site: ForgeSite) -> Mapping[str, dict[str, Any]]:
    """Deviations of the claims that only Forge's tokens have."""
    base = site.api_base_url
    urls = {
        "empty": "",
        "elsewhere": "https://evil.example/ex/jira/x",
        "below": "https://127.0.0.1.evil.example/ex/jira/x",
        "user": "https://127.0.0.1@evil.example/ex/jira/x",
        "address": "https://169.254.169.254/ex/jira/x",
        "query": f"{base}?x=1",
        "fragment": f"{base}#x",
        "climbs": f"{base}/../..",
        "longer": f"{base}/rest",
        "slash": f"{base}/",
        "confluence": base.replace("/ex/jira/", "/ex/confluence/"),
        "scheme": base.replace("http:", "ftp:"),
        "password": base.replace("http://", "http://user:pw@"),
    }
    apps: dict[str, dict[str, Any]] = {
        "id other": {"id": OTHER_APP},
        "id missing": {"id": ...},
        "id list": {"id": [OTHER_APP]},
        "installationId other": {"installationId": "ari:cloud:ecosystem::installation/other"},
        "installationId list": {"installationId": ["x"]},
        "installations missing": {"installationId": ..., "installation": ...},
        "installation text": {"installation": "x"},
        "environment missing": {"environment": ...},
        "environment text": {"environment": "PRODUCTION"},
        "environment type": {"environment": {"type": "DEVELOPMENT", "id": site.environment}},
        "environment type list": {"environment": {"type": ["PRODUCTION"], "id": "x"}},
        "environment id": {"environment": {"type": "PRODUCTION", "id": "../x"}},
        "environment without id": {"environment": {"type": "PRODUCTION"}},
        "module text": {"module": "x"},
        "module key number": {"module": {"key": 7}},
        "apiBaseUrl missing": {"apiBaseUrl": ...},
        "apiBaseUrl other cloud": {"apiBaseUrl": base[:-1] + "x"},
        **{f"apiBaseUrl {name}": {"apiBaseUrl": url} for name, url in urls.items()},
    }
    return {
        "aud other": {"aud": OTHER_APP},
        "aud missing": {"aud": ...},
        "aud empty": {"aud": ""},
        "aud empty list": {"aud": []},
        "aud null": {"aud": None},
        "aud nested": {"aud": [[APP_ID]]},
        "aud prefix": {"aud": APP_ID + "x"},
        "icLabel": {"icLabel": "../../x"},
        "icLabel null": {"icLabel": None},
        "icLabel long": {"icLabel": "a" * 51},
        "context text": {"context": "x"},
        "context of another cloud": {"context": {"cloudId": "other"}},
        "principal list": {"principal": [MIA]},
        "principal long": {"principal": "a" * 129},
        "jti number": {"jti": 7},
        "jti empty": {"jti": ""},
        "app missing": {"app": ...},
        "app text": {"app": "x"},
        **{f"app.{name}": {"app": site.app(**changes)} for name, changes in apps.items()},
    }


SPELLINGS: dict[str, Callable[[str], str]] = {
    "signature cut off": lambda t: t.rpartition(".")[0] + ".",
    "no signature part": lambda t: t.rpartition(".")[0],
    "signature of another": lambda t: t[:-8] + "AAAAAAAA",
    "padded": lambda t: t + "=",
    "standard alphabet": lambda t: t + "+/",
    "fourth part": lambda t: t + ".e30",
    "quoted": lambda t: f'"{t}"',
    "empty": lambda _: "",
    "not a token": lambda _: "abc",
    "unicode": lambda t: t + "\u00e9",
    "null byte": lambda t: t + "%00",
    "twice": lambda t: f"{t} {t}",
}
