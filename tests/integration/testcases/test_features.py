"""The export of BDD cases: a zip of feature files."""

import io
import zipfile
from typing import Any

from gherkin.parser import Parser

from contracts.permissions import Entity, Right
from tests.harness.grants import to_user
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.scripting import case, inline, put_steps, put_text
from tests.integration.testcases.site import Library, Site, fault
from tests.integration.testcases.test_permissions import state

PATH = "/v2/automations/testcases"
OUTLINE = 'Given <a>\r\n"""\n  doc\n\n   string\n"""\nExamples:\n| a |\n| $b |'


async def ask(site: Site, accept: str | None = "application/zip", **params: Any) -> Any:
    """Ask for the features of the project."""
    headers = site.headers | ({"accept": accept} if accept is not None else {})
    wanted = {"projectKey": site.key} | params
    return await site.library.http.get(PATH, params=wanted, headers=headers)


async def files(site: Site, **params: Any) -> dict[str, str]:
    """Return what is exported, by name."""
    answer = await ask(site, **params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


async def test_every_bdd_case_is_a_feature_file(site: Site) -> None:
    await case(site, "steps")
    plain, one, two = [await case(site, name) for name in ("plain", "Sees  ünï", "Outline")]
    await put_text(site, plain, "Given nothing")
    await put_text(site, one, "Given a $user\n# why\nWhen b", "bdd")
    await put_text(site, two, OUTLINE, "bdd")
    found = await files(site)
    assert list(found) == [f"{one}.feature", f"{two}.feature"]
    assert found[f"{one}.feature"] == (
        "Feature: Sees ünï\n"
        f"    @TestCaseKey={one}\n"
        "    Scenario: Sees ünï\n"
        "\n"
        "        Given a $user\n"
        "        # why\n"
        "        When b\n"
    )
    feature: Any = Parser().parse(found[f"{two}.feature"])["feature"]
    (child,) = feature["children"]
    scenario = child["scenario"]
    assert scenario["keyword"] == "Scenario Outline"
    assert [tag["name"] for tag in scenario["tags"]] == [f"@TestCaseKey={two}"]
    assert scenario["steps"][0]["docString"]["content"] == "  doc\n\n   string"
    assert len(scenario["examples"][0]["tableBody"]) == 1
    # no longer one, no longer there
    await put_steps(site, one, inline("x"))
    assert list(await files(site)) == [f"{two}.feature"]


async def test_a_name_cannot_leave_its_line(site: Site) -> None:
    key = await case(site, "one\u2029Scenario: two\u0085three\u2028four")
    await put_text(site, key, "Given a", "bdd")
    (content,) = (await files(site)).values()
    feature: Any = Parser().parse(content)["feature"]
    assert len(feature["children"]) == 1
    assert content.splitlines()[0] == "Feature: one Scenario: two three four"


async def test_many_come_in_order_of_their_numbers(site: Site) -> None:
    keys = [await case(site, f"c{n}") for n in range(45)]
    for key in reversed(keys):
        await put_text(site, key, f"Given {key}", "bdd")
    assert list(await files(site)) == [f"{key}.feature" for key in keys]


async def test_nothing_found_is_no_content(site: Site) -> None:
    await case(site)
    answer = await ask(site)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_what_must_be_asked_for(site: Site) -> None:
    for accept in (None, "*/*", "application/json", "text/html", "", "application/zipx"):
        assert fault(await ask(site, accept))[0] == 400, accept
    for accept in ("Application/ZIP", "text/html, application/zip;q=0.9"):
        assert (await ask(site, accept)).status_code == 204
    headers = site.headers | {"accept": "application/zip"}
    assert fault(await site.library.http.get(PATH, headers=headers))[0] == 400
    for key in ("demo", "", "1"):
        assert fault(await ask(site, projectKey=key))[0] == 400
    narrow = site.as_(projects=[site.project % 1000 + 1])
    assert fault(await ask(narrow))[0] == 404


async def test_another_tenants_features_are_not_there(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    key = await case(mine)
    await put_text(mine, key, "Given a secret", "bdd")
    assert (await ask(other)).status_code == 204
    assert list(await files(mine)) == [f"{key}.feature"]


async def test_it_needs_the_right_to_view(library: Library) -> None:
    site = await library.site()
    await library.world.membership(site.tenant)
    edit = to_user(ACCOUNT, Entity.TEST_CASE, Right.EDIT)
    await library.world.permissions(site.tenant, state(site), edit)
    await site.until("/testcases", 403, projectKey=site.key)
    assert fault(await ask(site))[0] == 403
