"""Names, types and blocks of attachments, for whatever clients send."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.attachments.names import (
    MAX_NAME_LENGTH,
    UNKNOWN_TYPE,
    checked_name,
    disposition,
    kept_type,
    safe_type,
)
from kit.attachments.store import blocks
from kit.errors import InvalidInput

_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_NAME_LENGTH + 5)
_DISPOSITION = re.compile(
    r"attachment; filename=\"([A-Za-z0-9._ -]*)\"; filename\*=UTF-8''([A-Za-z0-9._~%-]*)"
)


@given(_ANY)
def test_a_name_is_taken_as_it_is_or_refused(name: str) -> None:
    good = (
        1 <= len(name) <= MAX_NAME_LENGTH
        and ".." not in name
        and not set(name).intersection("/\\\0")
    )
    if good:
        assert checked_name(name) == name
        return
    with pytest.raises(InvalidInput, match="fileName must"):
        checked_name(name)


@given(_ANY)
def test_a_disposition_carries_any_name_and_nothing_beside_it(name: str) -> None:
    match = _DISPOSITION.fullmatch(disposition(name))
    assert match is not None
    assert unquote(match[2]) == name
    assert len(match[1]) == len(name)


@given(st.text(max_size=300))
def test_a_kept_type_is_a_header_that_can_be_sent(sent: str) -> None:
    kept = kept_type(sent)
    assert kept.isascii()
    assert kept.isprintable()
    assert kept in {sent.strip(), UNKNOWN_TYPE}


@pytest.mark.parametrize(
    "sent", ["image/png", "text/plain; charset=utf-8", 'text/csv;header="present"', "video/mp4"]
)
def test_harmless_types_come_back(sent: str) -> None:
    assert safe_type(kept_type(sent)) == sent


@pytest.mark.parametrize(
    "sent",
    [
        "text/html",
        "TEXT/HTML; charset=utf-7",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "application/xslt+xml",
        "application/javascript",
        "text/javascript",
        "text/ecmascript",
        "application/pdf",
        "multipart/x-mixed-replace; boundary=a",
        "message/rfc822",
        "text/css",
        None,
        "",
        "html",
        "image/png\r\nx: y",
        "a/b; " + "c" * 300,
    ],
)
def test_types_that_could_act_in_a_browser_do_not(sent: str | None) -> None:
    assert safe_type(kept_type(sent)) == UNKNOWN_TYPE


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 40))
def test_blocks_are_the_same_bytes_in_equal_parts(pieces: list[bytes], size: int) -> None:
    async def sent() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def regrouped() -> list[bytes]:
        return [block async for block in blocks(sent(), size)]

    found = asyncio.run(regrouped())
    assert b"".join(found) == b"".join(pieces)
    assert all(len(block) == size for block in found[:-1])
    assert all(1 <= len(block) <= size for block in found[-1:])
