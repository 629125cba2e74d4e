"""The attack pack: named deviations of lifecycle calls that an app must refuse."""

from dataclasses import dataclass
from typing import Any

from devstack.jira.forgery import Deviation, Hook

SIGNED: tuple[Hook, ...] = ("installed", "uninstalled")
INSTALL: tuple[Hook, ...] = ("installed",)
SYMMETRIC: tuple[Hook, ...] = ("enabled", "disabled")
OWN_KEYS: dict[str, Any] = {
    "jwk": {"kty": "RSA", "e": "AQAB", "n": "AMjk"},
    "jku": "https://evil.example/keys",
    "x5u": "https://evil.example/keys",
}


@dataclass(frozen=True, slots=True)
class Attack:
    """`hooks` are the calls it makes sense for; the first is the default."""

    name: str
    why: str
    hooks: tuple[Hook, ...]
    parts: dict[str, Any]

    def deviation(self, hook: Hook | None = None) -> Deviation:
        return Deviation(hook=hook or self.hooks[0], **self.parts)


def _token_attacks() -> tuple[Attack, ...]:
    return (
        Attack("no_token", "no Authorization at all", SIGNED, {"carried_in": "nowhere"}),
        Attack(
            "token_in_query", "token as ?jwt=, not in the header", SIGNED, {"carried_in": "query"}
        ),
        Attack("token_in_body", "token as a body field", SIGNED, {"carried_in": "body"}),
        Attack("bearer_scheme", "a Forge-like Bearer token", SIGNED, {"scheme": "Bearer"}),
        Attack("alg_none", "alg none, no signature", SIGNED, {"alg": "none"}),
        Attack("alg_none_mixed_case", "alg nOnE", SIGNED, {"alg": "nOnE"}),
        Attack(
            "hs256_public_pem",
            "HS256 keyed with the text of the public key",
            SIGNED,
            {"alg": "HS256", "key": "public_pem"},
        ),
        Attack(
            "hs256_shared_secret",
            "HS256 with the tenant's shared secret where RS256 is due",
            SIGNED,
            {"alg": "HS256", "key": "shared_secret"},
        ),
        Attack("rs512", "right key, another algorithm", SIGNED, {"alg": "RS512"}),
        Attack(
            "crit_header",
            "unknown critical header",
            SIGNED,
            {"header": {"crit": ["exp2"], "exp2": 1}},
        ),
        Attack("stranger_key", "known kid, signed with another key", SIGNED, {"key": "stranger"}),
        *(
            Attack(
                f"{name}_header",
                "brings or names its own key in the header",
                SIGNED,
                {"key": "stranger", "header": {name: value}},
            )
            for name, value in OWN_KEYS.items()
        ),
        Attack(
            "rs256_on_notification",
            "install-key token where the shared secret is due",
            SYMMETRIC,
            {"alg": "RS256"},
        ),
        Attack(
            "notification_qsh_context",
            "context-qsh where the request's is due",
            SYMMETRIC,
            {"qsh": "context"},
        ),
        Attack("notification_token_in_query", "token as ?jwt=", SYMMETRIC, {"carried_in": "query"}),
    )


def _kid_attacks() -> tuple[Attack, ...]:
    return (
        Attack("kid_unknown", "kid that no server has", SIGNED, {"kid": "{unknown}"}),
        Attack("kid_dot_dot", "kid climbs out of the path", SIGNED, {"kid": "../../etc/passwd"}),
        Attack("kid_encoded", "kid with escaped slashes", SIGNED, {"kid": "..%2f..%2fkeys"}),
        Attack("kid_url", "kid is a URL", SIGNED, {"kid": "https://keys.evil.example/k"}),
        Attack("kid_long", "kid of 300 characters", SIGNED, {"kid": "a" * 300}),
        Attack("kid_empty", "kid is empty", SIGNED, {"kid": ""}),
    )


def _claim_attacks() -> tuple[Attack, ...]:
    other = "https://other-app.example"
    return (
        Attack("aud_foreign", "for another app", SIGNED, {"claims": {"aud": [other]}}),
        Attack(
            "aud_prefix",
            "aud only begins with our base URL",
            SIGNED,
            {"claims": {"aud": ["{base}.evil.example"]}},
        ),
        Attack(
            "aud_substring",
            "aud only contains our base URL",
            SIGNED,
            {"claims": {"aud": [other + "/?u={base}"]}},
        ),
        Attack("aud_missing", "no aud", SIGNED, {"drop_claims": ["aud"]}),
        Attack("aud_empty", "aud is an empty list", SIGNED, {"claims": {"aud": []}}),
        Attack(
            "iss_other_tenant",
            "signed by another site, this site's clientKey in the body",
            SIGNED,
            {"claims": {"iss": "{other_client_key}"}},
        ),
        Attack("iss_missing", "no iss", SIGNED, {"drop_claims": ["iss"]}),
        Attack("qsh_context", "context-qsh (CVE-2021-26073)", SIGNED, {"qsh": "context"}),
        Attack("qsh_other_path", "qsh of another path", SIGNED, {"qsh": "other_path"}),
        Attack("qsh_other_method", "qsh of another method", SIGNED, {"qsh": "other_method"}),
        Attack("qsh_upper_case", "right hash in upper case", SIGNED, {"qsh": "upper_case"}),
        Attack("qsh_missing", "no qsh", SIGNED, {"drop_claims": ["qsh"]}),
        Attack("expired", "exp an hour ago", SIGNED, {"age": 3600}),
        Attack("future", "issued in an hour", SIGNED, {"age": -3600}),
        Attack("exp_missing", "no exp", SIGNED, {"drop_claims": ["exp"]}),
        Attack("iat_missing", "no iat", SIGNED, {"drop_claims": ["iat"]}),
        Attack("exp_text", "exp is a string", SIGNED, {"claims": {"exp": "tomorrow"}}),
    )


def _body_attacks() -> tuple[Attack, ...]:
    addresses = {
        "foreign_host": "https://evil.example",
        "look_alike": "https://x.atlassian.net.evil.example",
        "userinfo": "https://x.atlassian.net@evil.example",
        "port": "https://x.atlassian.net:8443",
        "ip_address": "https://169.254.169.254",
        "path": "https://x.atlassian.net/wiki",
        "scheme": "ftp://x.atlassian.net",
    }
    return (
        Attack(
            "body_other_tenant",
            "own token, another tenant's clientKey in the body",
            SIGNED,
            {"body": {"clientKey": "{other_client_key}"}},
        ),
        Attack("body_other_app", "key of another app", SIGNED, {"body": {"key": "com.other.app"}}),
        Attack(
            "body_other_event", "eventType of enabled", SIGNED, {"body": {"eventType": "enabled"}}
        ),
        Attack("body_not_json", "body is not JSON", SIGNED, {"raw_body": '{"key": '}),
        Attack("body_no_client_key", "no clientKey", SIGNED, {"drop_body": ["clientKey"]}),
        Attack("body_no_secret", "no sharedSecret", INSTALL, {"drop_body": ["sharedSecret"]}),
        Attack(
            "body_confluence",
            "another product",
            INSTALL,
            {"body": {"productType": "confluence"}},
        ),
        *(
            Attack(f"base_url_{name}", f"baseUrl {url}", INSTALL, {"body": {"baseUrl": url}})
            for name, url in addresses.items()
        ),
    )


ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for attack in (*_token_attacks(), *_kid_attacks(), *_claim_attacks(), *_body_attacks())
}
