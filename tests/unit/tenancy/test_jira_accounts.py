"""What counts as a clear answer about accounts."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kit.errors import Forbidden, OstroError, Unavailable
from services.tenancy.adapters.jira.accounts import HttpJiraAccounts
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.domain.forge import ApiHosts
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.sites import SiteRules
from services.tenancy.usecases.accounts import AccountState
from services.tenancy.usecases.jira import ConnectSecret, JiraSite
from tests.harness.fakes import ManualClock, SeededIds

SITE = JiraSite("t", "https://acme.atlassian.net", ConnectSecret(Secret(b"s" * 40), 1))
OPEN, CLOSED, LEFT_OUT = AccountState.OPEN, AccountState.CLOSED, AccountState.LEFT_OUT
Answer = tuple[int, Any]


class NoStore:
    async def find(self, _: str) -> JiraSite | None:
        return None


class NoWait:
    """Pauses take no time."""

    def __init__(self) -> None:
        self._now = 0.0

    def seconds(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds
        await asyncio.sleep(0)


class Jira:
    """A site that answers as told."""

    def __init__(self, answer: Callable[[list[str], int], Answer]) -> None:
        self.asked: list[int] = []
        self._answer = answer
        transport = httpx.MockTransport(self._call)
        ids = SeededIds()
        self.accounts = HttpJiraAccounts(
            SiteCaller(
                "io.ostro",
                SiteRules(),
                ApiHosts(),
                NoStore(),
                ManualClock(),
                ids,
                pace=NoWait(),
                transport=transport,
            )
        )

    async def _call(self, request: httpx.Request) -> httpx.Response:
        ids = request.url.params.get_list("accountId")
        self.asked.append(len(ids))
        status, body = self._answer(ids, int(request.url.params["startAt"]))
        return httpx.Response(status, json=body)


def page(ids: list[str], *, last: bool = True, active: bool = True) -> Answer:
    return 200, {"values": [{"accountId": one, "active": active} for one in ids], "isLast": last}


async def test_open_closed_and_left_out() -> None:
    def answer(ids: list[str], _: int) -> Answer:
        values = [{"accountId": "a", "active": True}, {"accountId": "b", "active": False}]
        return 200, {"values": values, "isLast": True}

    found = await Jira(answer).accounts.states(SITE, ["a", "b", "c", "a", ""])
    assert found == {"a": OPEN, "b": CLOSED, "c": LEFT_OUT}


async def test_many_are_asked_about_in_pages() -> None:
    many = [f"a{n}" for n in range(120)]
    # a site may give fewer to a page than it was asked for
    jira = Jira(lambda ids, start: page(ids[start : start + 20], last=start + 20 >= len(ids)))
    assert await jira.accounts.states(SITE, many) == dict.fromkeys(many, OPEN)
    assert jira.asked == [50] * 6 + [20]


async def test_an_id_that_cannot_be_read_spoils_nothing() -> None:
    def answer(ids: list[str], _: int) -> Answer:
        return (400, {"errorMessages": ["no"]}) if "odd" in ids else page(ids)

    found = await Jira(answer).accounts.states(SITE, ["a", "b", "odd", "c"])
    assert found == dict.fromkeys("abc", OPEN)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, {}), Unavailable),
        ((403, {}), Forbidden),
        ((404, {"errorMessages": ["no site"]}), Unavailable),
        ((500, {}), Unavailable),
        ((200, {"values": []}), Unavailable),
        ((200, {"values": [{"accountId": "a"}], "isLast": True}), Unavailable),
        ((200, {"values": [{"accountId": "a", "active": None}], "isLast": True}), Unavailable),
        ((200, []), Unavailable),
        (page([], last=False), Unavailable),
        (page(["x"], last=False), Unavailable),
    ],
)
async def test_everything_else_says_nothing(answer: Answer, error: type[OstroError]) -> None:
    with pytest.raises(error):
        await Jira(lambda _ids, _start: answer).accounts.states(SITE, ["a"])
