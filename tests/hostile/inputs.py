"""What nobody should send."""

import json
from collections.abc import Mapping
from typing import Any

MEGABYTE = "x" * 1_000_000
DEEP = 10_000

NO_JSON: Mapping[str, bytes] = {
    "nothing": b"",
    "white space": b" \n",
    "words": b"name=x&projectKey=DEMO",
    "cut off": b'{"name": "x"',
    "two": b'{"name": "x"} {"name": "y"}',
    "a comment": b'{"name": "x" /* y */}',
    "single quotes": b"{'name': 'x'}",
    "a field twice": b'{"name": "x", "name": "x"}',
    "an unknown field twice": b'{"q7": 1, "q7": 1}',
    "NaN": b'{"name": "x", "estimatedTime": NaN}',
    "Infinity": b'{"name": "x", "q7": -Infinity}',
    "half a pair": b'{"name": "\\ud800"}',
    "other half": b'{"name": "\\udc00x"}',
    "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "Latin-1": '{"name": "é"}'.encode("latin-1"),
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "UTF-32": '{"name": "x"}'.encode("utf-32"),
    "control character": b'{"name": "a\x00b"}',
    "lists without end": b'{"name": ' + b"[" * DEEP,
    "deep lists": b'{"name": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"q7": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "5,000 digits": b'{"id": ' + b"9" * 5_000 + b"}",
    "hexadecimal": b'{"id": 0x10}',
    "leading zero": b'{"id": 01}',
}
"""Refused for what it is, by whatever takes a body."""
NO_OBJECT: Mapping[str, bytes] = {
    "a list": b"[]",
    "a list of objects": b'[{"name": "x", "projectKey": "DEMO"}]',
    "null": b"null",
    "true": b"true",
    "a number": b"1e3",
    "a text": b'"{}"',
}


def _deep(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return found


VALUES: tuple[Any, ...] = (
    None,
    "",
    "\x00",
    "$where",
    "a.b",
    "\u202e\ufffe\U0010ffff",
    "1e3",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59-23:59",
    -1,
    1.5,
    2**63,
    -(2**63) - 1,
    10**300,
    [None],
    {"$gt": ""},
    {"$x": 1, "a.b": 1, "\x00": 1, "": 1, "__proto__": {}},
    {"id": -1, "accountId": "\x00"},
    _deep(150),
)
"""In the place of any field: none of them may be more than a client's fault."""
LONG: tuple[Any, ...] = (MEGABYTE, [MEGABYTE], ["x"] * 100_000, {MEGABYTE: MEGABYTE})
QUERY: tuple[str, ...] = (
    "",
    "%00",
    "%FF",
    "%ED%A0%80",
    "-1",
    "9223372036854775808",
    "18446744073709551616",
    "1e3",
    "1.0",
    "NaN",
    "0x10",
    "%D9%A1",
    "true",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59-23:59",
    "2026-11-24T12:00:00%2B99:99",
    "$where",
    "[$gt]",
    "DEMO%00",
    "DEMO%27",
    "TEST_CASE%0A",
)
PATHS: tuple[str, ...] = (
    "%00",
    "DEMO-T1%00",
    "%2F",
    "..%2F..",
    "%2e%2e",
    "%FF",
    "%ED%A0%80",
    "%C0%AF",
    "%25",
    "%0D%0AX-Injected:%201",
    "-1",
    "0",
    "00000000001",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999999999",
    "1e3",
    "%D9%A1",
    "DEMO-T99999999999999999999",
    "DEMO-R99999999999999999999",
    "DEMO-T%D9%A1",
    "DEMO-T1%20",
    "DEMO-T1;x=1",
    "$where",
    "%F0%9F%92%A9",
    "x" * 4_000,
)
HEADERS: tuple[Mapping[str, str], ...] = (
    {
        "content-type": "\xff",
        "accept": "\xff/\xff;q=NaN",
        "traceparent": "00-\xff-1-1",
        "x-long": "x" * 30_000,
        "x-http-method-override": "DELETE",
    },
    {
        "content-type": "application/json; charset=utf-16",
        "content-encoding": "gzip",
        "host": "elsewhere.example",
        "x-forwarded-host": "elsewhere.example",
        "forwarded": "host=elsewhere.example",
        "x-original-url": "/v2/projects",
        "range": "bytes=-1-2,9-1",
        "if-modified-since": "\xff",
    },
)


def text(body: Any) -> bytes:
    """Write JSON as others might; nothing is escaped that need not be."""
    return json.dumps(body, ensure_ascii=False).encode()
