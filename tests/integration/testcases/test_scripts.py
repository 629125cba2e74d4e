"""Plain and BDD scripts over HTTP."""

import asyncio
from typing import Any

import pytest

from contracts.topics import TEST_CASE_STATE
from kit.mongo import Database
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.testcases.scripting import (
    case,
    inline,
    post_steps,
    put_steps,
    put_text,
    text,
    texts,
)
from tests.integration.testcases.site import Site, fault
from tests.integration.testcases.test_events import events_of

BDD = "Given a $user.name\nWhen it logs in\n  | a | b |\nBut not <b>\n\nExamples:\n| b |\n| 1 |"


@pytest.mark.parametrize(("kind", "said"), [("plain", "<p>a.$b</p>\u0000"), ("bdd", BDD)])
async def test_a_text_reads_back_and_tells_its_kind(site: Site, kind: str, said: str) -> None:
    key = await case(site)
    before = await site.read(f"/testcases/{key}")
    assert before["testScript"]["self"] == site.url(f"/testcases/{key}/teststeps")
    await put_text(site, key, said, kind)
    found = await text(site, key)
    assert (found["type"], found["text"]) == (kind, said)
    (version,) = (await site.read(f"/testcases/{key}/versions"))["values"]
    assert found["id"] == version["id"]
    after = await site.read(f"/testcases/{key}")
    assert after.pop("testScript") == {"self": site.url(f"/testcases/{key}/testscript")}
    before.pop("testScript")
    assert after == before
    # it is replaced in place, by either kind
    await put_text(site, key, "Given b", "bdd")
    await put_text(site, key, "c", "plain")
    assert (await text(site, key))["text"] == "c"
    walked = (await site.read("/testcases/nextgen", updatedAfter=before["createdOn"]))["values"]
    assert [c["key"] for c in walked] in ([key], [])


async def test_what_is_no_script(site: Site) -> None:
    key = await case(site)
    wrong: list[Any] = [
        {"type": "plain"},
        {"type": "plain", "text": ""},
        {"type": "plain", "text": None},
        {"type": "plain", "text": 7},
        {"type": "steps", "text": "t"},
        {"type": "BDD", "text": "Given x"},
        {"type": None, "text": "t"},
        {"text": "t"},
        [],
        "t",
    ]
    for body in wrong:
        assert fault(await site.post(f"/testcases/{key}/testscript", body))[0] == 400, body
    assert len(await texts(site, key)) == 1


async def test_a_bdd_script_must_be_steps_in_gherkin(site: Site) -> None:
    key = await case(site)
    for said in (
        "this is prose",
        "   ",
        "Given a\nand so on",
        "Feature: f\nScenario: s\nGiven a",
        "Scenario: s\nGiven a",
        "Given a\nScenario: s\nGiven b",
        "Given a\nRule: r",
        "Background:\nGiven a",
        'Given a\n"""\nnever ends',
        "Given a\n| 1 | 2 |\n| 3 |",
        "@tag\nGiven a",
        "Given a\n" * 2_001,
    ):
        body = {"type": "bdd", "text": said}
        status, message = fault(await site.post(f"/testcases/{key}/testscript", body))
        assert status == 400, said
        assert "Gherkin" in message or "lines" in message
    assert len(await texts(site, key)) == 1


async def test_of_writers_of_one_case_the_last_one_stands_whole(site: Site) -> None:
    key = await case(site)
    for n in range(5):
        answers = await asyncio.gather(
            post_steps(site, key, inline(f"{n}a"), inline(f"{n}b")),
            site.post(f"/testcases/{key}/testscript", {"type": "plain", "text": f"{n}"}),
            post_steps(site, key, inline(f"{n}c"), inline(f"{n}d"), mode="APPEND"),
        )
        assert [a.status_code for a in answers] == [201, 201, 201]
        if (await site.get(f"/testcases/{key}/teststeps")).status_code == 200:
            found = await texts(site, key)
            ab, cd = [f"{n}a", f"{n}b"], [f"{n}c", f"{n}d"]
            assert found in (ab, cd, ab + cd)
        else:
            assert (await text(site, key))["text"] == f"{n}"


async def test_a_change_of_the_script_is_published(
    site: Site, installation: Installation, stored: Database
) -> None:
    key = await case(site)
    made = await stored["testcases"].find_one({"tenant": site.tenant})
    await put_steps(site, key, inline("a"))

    async def told() -> int:
        events = await events_of(installation, TEST_CASE_STATE, site.tenant)
        return max((e.sequence for e in events), default=0)

    await eventually(told, lambda sequence: sequence == 2)
    row = await stored["testcases"].find_one({"tenant": site.tenant})
    assert made is not None
    assert row is not None
    assert row["updated_on"] >= made["updated_on"]
