"""What was exported and imported elsewhere is what it was."""

import json

from contracts.transfer import MANIFEST
from tests.integration.executions.linking import House
from tests.integration.transfer import rich
from tests.integration.transfer.moving import exported, imported, opened, until_heard, walk


async def test_a_rich_project_comes_back_whole(house: House) -> None:
    source = await house.linked()
    await rich.make(source)
    archives = {part: await exported(source, part) for part in ("library", "executions")}
    before = await walk(source)
    assert {len(before[p]) for p in ("testplans", "testcycles")} == {1, 2}

    # as if it were the same project, and as one of another id
    for project in (source.project.id, source.project.id % 1_000_000 + 1):
        target = await house.linked(project=project)
        for part, archive in archives.items():
            await imported(target, part, archive)
        assert await walk(target) == before
        await until_heard(target, "DEMO", 1, "Steps")
        if project != source.project.id:
            continue
        for part, archive in archives.items():
            first, again = opened(archive), opened(await exported(target, part))
            assert _timeless(first) == _timeless(again)
        # numbers go on where they stopped
        made = await target.http.post("/testcases", json={"projectKey": "DEMO", "name": "n"})
        following = await source.http.post("/testcases", json={"projectKey": "DEMO", "name": "n"})
        assert made.json()["key"] == following.json()["key"]


def _timeless(members: dict[str, bytes]) -> dict[str, object]:
    manifest = json.loads(members[MANIFEST])
    manifest["source"]["siteUrl"] = manifest["createdOn"] = None
    return {**members, MANIFEST: manifest}
