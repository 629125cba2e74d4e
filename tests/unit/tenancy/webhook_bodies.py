"""Bodies of Jira's webhooks as the platform sends them, written by hand from facts.md 5.3."""

from typing import Any

PERSON = {
    "self": "https://site.example/rest/api/2/user?accountId=5b10",
    "accountId": "557058:5b10ac8d",
    "displayName": "Mia Example",
    "emailAddress": "mia@example.com",
    "avatarUrls": {"48x48": "https://avatar.example/mia.png"},
    "timeZone": "Europe/Berlin",
    "locale": "de_DE",
    "accountType": "atlassian",
    "active": True,
}
AT = 1_764_000_000_123


def issue(event: str, **more: Any) -> dict[str, Any]:
    """``jira:issue_*``."""
    return {
        "timestamp": AT,
        "webhookEvent": event,
        "issue_event_type_name": "issue_generic",
        "user": PERSON,
        "issue": {
            "id": "10042",
            "self": "https://site.example/rest/api/2/issue/10042",
            "key": "DEMO-42",
            "fields": {
                "summary": "Mia cannot pay",
                "description": "She wrote: my card is refused",
                "reporter": PERSON,
                "labels": ["checkout"],
                "project": {"id": "10000", "key": "DEMO", "name": "Web shop"},
            },
        },
        "changelog": {
            "id": "10300",
            "items": [{"field": "assignee", "fromString": "Mia Example", "toString": "Ben"}],
        },
        "matchedWebhookIds": [3],
        **more,
    }


def link(event: str) -> dict[str, Any]:
    """``issuelink_*``: ids are numbers here."""
    return {
        "timestamp": AT,
        "webhookEvent": event,
        "issueLink": {
            "id": 10700,
            "sourceIssueId": 10042,
            "destinationIssueId": 10043,
            "issueLinkType": {"id": 1, "name": "Blocks", "outwardName": "blocks"},
        },
    }


def project(event: str) -> dict[str, Any]:
    """``project_*``."""
    return {
        "timestamp": AT,
        "webhookEvent": event,
        "project": {"id": 10000, "key": "DEMO", "name": "Web shop", "projectLead": PERSON},
    }


def version(event: str, **more: Any) -> dict[str, Any]:
    """``jira:version_*``."""
    return {
        "timestamp": AT,
        "webhookEvent": event,
        "version": {
            "id": "10200",
            "name": "Summer",
            "description": "Mia's release",
            "projectId": 10000,
        },
        **more,
    }


def component(event: str) -> dict[str, Any]:
    """``component_*``."""
    return {
        "timestamp": AT,
        "webhookEvent": event,
        "component": {"id": "10500", "name": "Cart", "lead": PERSON, "projectId": 10000},
    }


def user(event: str) -> dict[str, Any]:
    """``user_*``."""
    return {"timestamp": AT, "webhookEvent": event, "user": PERSON}


def of(event: str) -> dict[str, Any]:
    """The usual body of an event."""
    makers = {
        "jira:issue_": issue,
        "issuelink_": link,
        "project_": project,
        "jira:version_": version,
        "component_": component,
        "user_": user,
    }
    return next(make(event) for prefix, make in makers.items() if event.startswith(prefix))
