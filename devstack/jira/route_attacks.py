"""The attack pack for an app's other routes; each attack names the kind of route it is for."""

from dataclasses import dataclass
from typing import Any

from devstack.jira.route_forgery import RouteDeviation, RouteKind

STRANGERS_JWK = {"kty": "RSA", "e": "AQAB", "n": "AMjk"}
EVIL = "https://evil.example/keys"


@dataclass(frozen=True, slots=True)
class RouteAttack:
    name: str
    why: str
    route: RouteKind
    parts: dict[str, Any]

    def deviation(self) -> RouteDeviation:
        return RouteDeviation(**self.parts)


def _for(route: RouteKind, *rows: tuple[str, str, dict[str, Any]]) -> tuple[RouteAttack, ...]:
    return tuple(RouteAttack(f"{route}_{name}", why, route, parts) for name, why, parts in rows)


# Wrong on every route, whatever credential it takes.
_EVERYWHERE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("no_token", "no token at all", {"carried_in": "nowhere"}),
    ("token_in_body", "token as a field of the body", {"carried_in": "body"}),
    ("alg_none", "alg none, no signature", {"alg": "none"}),
    ("crit_header", "unknown critical header", {"header": {"crit": ["exp2"], "exp2": 1}}),
    ("expired", "exp an hour ago", {"age": 3600}),
    ("future", "issued in an hour", {"age": -3600}),
    ("exp_missing", "no exp", {"drop_claims": ["exp"]}),
    ("iat_missing", "no iat", {"drop_claims": ["iat"]}),
    ("exp_text", "exp is a string", {"claims": {"exp": "tomorrow"}}),
    ("stranger_key", "signed with a key of somebody else", {"key": "stranger"}),
    (
        "jwk_header",
        "brings its own key in the header",
        {"key": "stranger", "header": {"jwk": STRANGERS_JWK}},
    ),
    ("jku_header", "names its own key set", {"key": "stranger", "header": {"jku": EVIL}}),
    ("x5u_header", "names its own certificate", {"key": "stranger", "header": {"x5u": EVIL}}),
)
# Wrong where a tenant's shared secret signs.
_SYMMETRIC: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("hs512", "right secret, another algorithm", {"alg": "HS512"}),
    ("iss_unknown", "a tenant nobody knows", {"claims": {"iss": "{other_client_key}"}}),
    ("iss_missing", "no iss", {"drop_claims": ["iss"]}),
    ("qsh_missing", "no qsh", {"drop_claims": ["qsh"]}),
    ("install_token", "RS256 by the install key", {"credential": "install_key"}),
    ("invocation", "a Forge invocation token", {"credential": "invocation"}),
)
_REQUEST_QSH: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("qsh_context", "a context token (CVE-2021-26073)", {"qsh": "context"}),
    ("qsh_other_path", "qsh of another path", {"qsh": "other_path"}),
    ("qsh_other_method", "qsh of another method", {"qsh": "other_method"}),
)
_IN_HEADER: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("token_in_query", "token as ?jwt=, not in the header", {"carried_in": "query"}),
    ("bearer_scheme", "right token behind Bearer", {"scheme": "Bearer"}),
    (
        "invocation_as_jwt",
        "a Forge invocation token behind JWT",
        {"credential": "invocation", "scheme": "JWT"},
    ),
)
_FORGE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("token_in_query", "token as ?jwt=", {"carried_in": "query"}),
    ("jwt_scheme", "right token behind JWT", {"scheme": "JWT"}),
    ("connect_token", "Connect's token, as Connect sends it", {"credential": "shared_secret"}),
    (
        "connect_token_as_bearer",
        "Connect's token behind Bearer",
        {"credential": "shared_secret", "scheme": "Bearer"},
    ),
    (
        "context_token_as_bearer",
        "a context token behind Bearer",
        {"credential": "shared_secret", "scheme": "Bearer", "qsh": "context"},
    ),
    (
        "install_token",
        "RS256 by the install key behind Bearer",
        {"credential": "install_key", "scheme": "Bearer"},
    ),
    ("rs512", "right key, another algorithm", {"alg": "RS512"}),
    ("hs256_public_pem", "HS256 keyed with the public key", {"alg": "HS256", "key": "public_pem"}),
    ("kid_unknown", "kid that is not in the set", {"kid": "forge/invocation-token/{unknown}"}),
    ("kid_dot_dot", "kid climbs out of a path", {"kid": "forge/invocation-token/../../etc/x"}),
    ("kid_url", "kid is a URL", {"kid": EVIL}),
    ("kid_long", "kid of 3000 characters", {"kid": "a" * 3000}),
    ("kid_missing", "no kid", {"drop_header": ["kid"]}),
    ("iss_other", "another issuer", {"claims": {"iss": "forge/other-token"}}),
    ("iss_missing", "no iss", {"drop_claims": ["iss"]}),
    (
        "other_app",
        "a genuine token of another app",
        {
            "claims": {
                "aud": "ari:cloud:ecosystem::app/{stranger}",
                "app.id": "ari:cloud:ecosystem::app/{stranger}",
            }
        },
    ),
    ("aud_missing", "no aud", {"drop_claims": ["aud"]}),
    ("aud_empty", "aud is empty", {"claims": {"aud": ""}}),
    (
        "app_id_other",
        "app.id is not aud",
        {"claims": {"app.id": "ari:cloud:ecosystem::app/{stranger}"}},
    ),
    ("app_missing", "no app", {"drop_claims": ["app"]}),
    ("environment_other", "another environment", {"claims": {"app.environment.type": "STRANGE"}}),
    (
        "installation_mismatch",
        "two installations",
        {"claims": {"app.installationId": "ari:cloud:ecosystem::installation/{stranger}"}},
    ),
    (
        "api_base_url_foreign",
        "the gateway is elsewhere",
        {"claims": {"app.apiBaseUrl": "https://api.evil.example/ex/jira/{cloud}"}},
    ),
    (
        "api_base_url_userinfo",
        "the gateway's name is a user",
        {"claims": {"app.apiBaseUrl": "https://api.atlassian.com@evil.example/ex/jira/{cloud}"}},
    ),
    (
        "api_base_url_path",
        "another path of the gateway",
        {"claims": {"app.apiBaseUrl": "https://api.atlassian.com/admin/{cloud}"}},
    ),
    (
        "cloud_id_mismatch",
        "context of another site",
        {"claims": {"context.cloudId": "{stranger}"}},
    ),
    ("nbf_future", "not yet valid", {"claims": {"nbf": 4_000_000_000}}),
    ("ic_label_bad", "icLabel that is none", {"claims": {"icLabel": "Not A Label!"}}),
)

ROUTE_ATTACKS: dict[str, RouteAttack] = {
    attack.name: attack
    for attack in (
        *_for("webhook", *_EVERYWHERE, *_SYMMETRIC, *_REQUEST_QSH, *_IN_HEADER),
        *_for("iframe", *_EVERYWHERE, *_SYMMETRIC, *_REQUEST_QSH),
        *_for("context", *_EVERYWHERE, *_SYMMETRIC, *_IN_HEADER),
        *_for(
            "context",
            ("qsh_request", "a request's token on the own API", {"qsh": "request"}),
        ),
        *_for("forge", *_EVERYWHERE, *_FORGE),
    )
}
