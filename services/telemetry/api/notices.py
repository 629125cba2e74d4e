"""``/ostro/v1/telemetry/notices``: news of the app for pages inside Jira, by context token."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends

from kit.http.fields import OwnBody
from services.telemetry.api.browser import Browser, CallerOf
from services.telemetry.usecases.browser_events import BrowserCaller
from services.telemetry.usecases.notices import Notices

Admit = Callable[[BrowserCaller], Awaitable[None]]


class PostBean(OwnBody):
    """One notice. ``content`` is plain text, ``url`` null or https."""

    id: str
    date: str
    category: str
    title: str
    content: str
    url: str | None


class NoticesBean(OwnBody):
    """The newest notices; empty without the tenant's consent to Beamer."""

    posts: list[PostBean]
    unread: int | None
    """How many the caller has not seen; null when that is not known."""


def router(notices: Notices, admit: Admit, caller_of: CallerOf) -> APIRouter:
    """Build the route."""
    routes = APIRouter(prefix="/ostro/v1/telemetry", tags=["Notices"])
    browser = Browser(caller_of)

    @routes.get("/notices", summary="Get news of the app")
    async def show(caller: Annotated[BrowserCaller, Depends(browser)]) -> NoticesBean:
        """Return up to ten notices, at most five minutes old; Beamer gets the caller's pseudonym.

        Limited together with the events of pages.
        """
        await admit(caller)
        shown = await notices.of(caller)
        return NoticesBean(
            posts=[
                PostBean(
                    id=post.id,
                    date=post.date,
                    category=post.category,
                    title=post.title,
                    content=post.content,
                    url=post.url,
                )
                for post in shown.posts
            ],
            unread=shown.unread,
        )

    return routes
