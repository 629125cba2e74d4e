"""`GET /serverInfo`: version and address of the site, open to everybody."""

import re

from devstack.jira.rest.operation import Ask, Operation, Reply
from devstack.standin.clock import iso


def info(ask: Ask) -> Reply:
    site = ask.site
    numbers = [int(part) for part in re.findall(r"\d+", site.version)[:3]]
    return Reply(
        200,
        {
            "baseUrl": site.base_url,
            "displayUrl": site.display_url or site.base_url,
            "version": site.version,
            "versionNumbers": numbers,
            "deploymentType": "Cloud",
            "buildNumber": 100287,
            "buildDate": "2026-10-19T10:00:00.000+0000",
            "serverTime": iso(ask.world.clock.now()).replace("+00:00", "+0000"),
            "scmInfo": "0" * 40,
            "serverTitle": "Jira",
            "defaultLocale": {"locale": "en_US"},
        },
    )


OPERATIONS = (Operation("GET", "/rest/api/3/serverInfo", "READ", info),)
