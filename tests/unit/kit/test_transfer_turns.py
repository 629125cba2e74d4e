"""Turns of imports: one of a tenant, and a few of all."""

from contextlib import AsyncExitStack

import pytest

from kit.errors import TooManyRequests
from kit.transfer.turns import AT_ONCE, Turns


async def test_who_sends_holds_no_turn_of_others_and_one_of_its_own() -> None:
    turns = Turns(own=0.01, others=0.01)
    async with AsyncExitStack() as stack:
        for tenant in range(2 * AT_ONCE):
            await stack.enter_async_context(turns.sending(f"t{tenant}"))
        with pytest.raises(TooManyRequests):
            await stack.enter_async_context(turns.sending("t0"))
        async with AsyncExitStack() as working:
            for _ in range(AT_ONCE):
                await working.enter_async_context(turns.working())
            with pytest.raises(TooManyRequests):
                await working.enter_async_context(turns.working())
        async with turns.working():
            pass
    async with turns.sending("t0"):
        pass
