"""Which base URLs an install may name."""

import pytest

from services.tenancy.domain.sites import BadSite, SiteRules

STRICT = SiteRules()
STANDIN = SiteRules(("127.0.0.1", ".jira.test"), relaxed=True)
EXTRA_ONLY = SiteRules(("jira.company.example",))


@pytest.mark.parametrize(
    ("rules", "url", "normalised"),
    [
        (STRICT, "https://acme.atlassian.net", "https://acme.atlassian.net"),
        (STRICT, "https://ACME.Atlassian.net/", "https://acme.atlassian.net"),
        (STRICT, "https://a.jira.com", "https://a.jira.com"),
        # a label of the site's own zone, as it is on the wire: nobody else can register it
        (STRICT, "https://xn--cme-5cd.atlassian.net", "https://xn--cme-5cd.atlassian.net"),
        (STRICT, "https://a.jira-dev.com", "https://a.jira-dev.com"),
        (STRICT, "https://a.atlassian-us-gov-mod.net", "https://a.atlassian-us-gov-mod.net"),
        (EXTRA_ONLY, "https://jira.company.example", "https://jira.company.example"),
        (STANDIN, "http://127.0.0.1:8301", "http://127.0.0.1:8301"),
        (STANDIN, "http://site-a.jira.test:80/", "http://site-a.jira.test:80"),
        (STANDIN, "https://acme.atlassian.net", "https://acme.atlassian.net"),
    ],
)
def test_accepted(rules: SiteRules, url: str, normalised: str) -> None:
    assert rules.normalised(url) == normalised


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        (STRICT, ""),
        (STRICT, "acme.atlassian.net"),
        (STRICT, "//acme.atlassian.net"),
        (STRICT, "http://acme.atlassian.net"),
        (STRICT, "ftp://acme.atlassian.net"),
        (STRICT, "https://atlassian.net"),
        (STRICT, "https://.atlassian.net"),
        (STRICT, "https://evilatlassian.net"),
        (STRICT, "https://acme.atlassian.net.evil.example"),
        (STRICT, "https://acme.atlassian.net."),
        (STRICT, "https://evil.example"),
        (STRICT, "https://evil.example#.atlassian.net"),
        (STRICT, "https://evil.example?.atlassian.net"),
        (STRICT, "https://evil.example\\.atlassian.net"),
        (STRICT, "https://acme.atlassian.net@evil.example"),
        (STRICT, "https://user@acme.atlassian.net"),
        (STRICT, "https://@acme.atlassian.net"),
        (STRICT, "https://acme.atlassian.net:8443"),
        (STRICT, "https://acme.atlassian.net:443"),
        (STRICT, "https://acme.atlassian.net:"),
        (STRICT, "https://acme.atlassian.net:x"),
        (STRICT, "https://acme.atlassian.net/wiki"),
        (STRICT, "https://acme.atlassian.net?x=1"),
        (STRICT, "https://acme.atlassian.net#x"),
        (STRICT, "https://acme.atlassian.net?"),
        (STRICT, "https://аcme.atlassian.net"),  # noqa: RUF001  a Cyrillic letter, on purpose
        (STRICT, "https://a b.atlassian.net"),
        (STRICT, "https://169.254.169.254"),
        (STRICT, "https://[::1]"),
        (STRICT, "https://[::1"),
        (STRICT, "https://127.0.0.1"),
        (STRICT, "https://2130706433"),
        (STRICT, "https://0x7f000001"),
        (STRICT, "https://0177.0.0.1"),
        (STRICT, "https://127.1"),
        (STRICT, "https://[::ffff:127.0.0.1]"),
        (STRICT, "https://[64:ff9b::7f00:1]"),
        (STRICT, "https://169.254.169.254.nip.io"),
        (STRICT, "https://localhost"),
        (STRICT, "https://metadata.google.internal"),
        (STRICT, "https://acme。atlassian。net"),  # dots that some resolvers take for dots
        (STRICT, "https://acme.atlassian.net%2eevil.example"),
        (STRICT, "https://acme.atlassian.net%00.evil.example"),
        (STRICT, "https://evil.example/.atlassian.net"),
        (STRICT, "https://xn--acme-9cd.atlassian.net.evil.example"),
        (EXTRA_ONLY, "http://jira.company.example"),
        (EXTRA_ONLY, "https://jira.company.example:8443"),
        (EXTRA_ONLY, "https://x.jira.company.example"),
        (STANDIN, "https://acme.atlassian.net:8443"),
        (STANDIN, "http://acme.atlassian.net"),
        (STANDIN, "http://127.0.0.2:8301"),
        (STANDIN, "ftp://127.0.0.1"),
        (STANDIN, "http://jira.test"),
    ],
)
def test_refused(rules: SiteRules, url: str) -> None:
    with pytest.raises(BadSite):
        rules.normalised(url)
