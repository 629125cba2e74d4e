"""References that lead to nothing are named up to a bound, and counted beyond it."""

import pytest

from contracts.importing import Missing
from kit.transfer.references import MOST_TOLD, Outside, Reference, Unresolved, resolved


def _outside() -> Outside:
    outside = Outside()
    for plan in range(1, MOST_TOLD + 21):
        for target in ("ELSE-R1", "GONE-R1", "SOON-R1"):
            outside.add(Reference("test plan", f"DEMO-P{plan}", "links.testCycleKey", target))
    return outside


async def _find(key: str) -> tuple[int, bool] | None:
    return {"ELSE-R1": (1, True), "SOON-R1": (2, False)}.get(key)


async def test_what_leads_to_nothing_is_named_and_refused() -> None:
    with pytest.raises(Unresolved) as refused:
        await resolved(_outside(), Missing.REFUSE, _find)
    message, dangling = refused.value.message, refused.value.dangling
    assert "test plan DEMO-P1: links.testCycleKey names GONE-R1; test plan DEMO-P2:" in message
    assert message.endswith("; and 116 more.")
    assert (dangling.count, len(dangling.told)) == (MOST_TOLD + 20, MOST_TOLD)
    assert {reference.target for reference in dangling.told} == {"GONE-R1"}


async def test_what_leads_to_nothing_is_left_out_and_named() -> None:
    here, found = await resolved(_outside(), Missing.DROP, _find)
    assert here == {"ELSE-R1": 1, "SOON-R1": 2}
    assert (found.dropped.count, len(found.dropped.told)) == (MOST_TOLD + 20, MOST_TOLD)
    assert [(r.key, r.target) for r in found.awaited] == [("DEMO-P1", "SOON-R1")]
