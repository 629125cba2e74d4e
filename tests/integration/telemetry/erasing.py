"""Settings of erasure and Beamer at the stand-ins, and what is asked of them."""

from typing import Any

from tests.harness.installation import Installation
from tests.integration.telemetry.standins import Standins

ERASURES = "/ostro/v1/telemetry/erasures"
DELETIONS = ("amplitude-deletion", "segment-regulations", "bugsnag-data")


def erasure_settings(installation: Installation, standins: Standins) -> dict[str, Any]:
    """Return settings with short pauses."""
    return {
        "beamer_url": f"{standins.url}/beamer/v0",
        "beamer_api_key_file": installation.secret("beamer-api-key", "beamer-key"),
        "amplitude_deletion_url": f"{standins.url}/amplitude-deletion",
        "amplitude_secret_key_file": installation.secret("amplitude-secret-key", "secret-key"),
        "amplitude_deletion_requester": "privacy@example.com",
        "segment_api_url": f"{standins.url}/segment-regulations",
        "segment_api_token_file": installation.secret("segment-api-token", "api-token"),
        "bugsnag_data_url": f"{standins.url}/bugsnag-data",
        "bugsnag_data_token_file": installation.secret("bugsnag-data-token", "data-token"),
        "bugsnag_project_id": "ostro",
        "erasure_settle_seconds": 0.0,
        "erasure_poll_seconds": 0.5,
    }


async def finish_jobs(standins: Standins) -> None:
    """Let every vendor's job be over at the next look."""
    for name in DELETIONS:
        await standins.limit(name, job_seconds=0.0)


async def asked_for(standins: Standins, processor: str) -> list[str]:
    """Return the ids of every request for deletion that a processor got, repeats included."""
    found: list[str] = []
    for request in await standins.requests(processor):
        if request["method"] == "DELETE":
            found.append(request["query"].removeprefix("userId="))
        elif request["method"] == "POST" and request["body"] is not None:
            body = request["body"]
            users = body.get("filters", {}).get("user.id", [])
            found += body.get("user_ids") or body.get("subjectIds") or [u["value"] for u in users]
    return found
