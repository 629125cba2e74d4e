"""Files made to hurt: refused with a reason, in bounded memory and time."""

import io
import json
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.errors import InvalidInput
from services.executions.domain.formats import ByteStream, Format, parse
from services.executions.domain.formats import json_reader as json_limits
from services.executions.domain.formats import junit as junit_limits
from services.executions.domain.results import ParsedResult
from tests.unit.executions.reading import KEYS, Dribble, Endless, read

BILLION_LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuite><testcase name="&b;"/></testsuite>"""
EXTERNAL = """<?xml version="1.0"?>
<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="a"><failure>&x;</failure></testcase></testsuite>"""
EXTERNAL_DTD = '<!DOCTYPE t SYSTEM "http://127.0.0.1/t.dtd"><testsuite/>'


@pytest.mark.parametrize("document", [BILLION_LAUGHS, EXTERNAL, EXTERNAL_DTD])
def test_no_document_types(document: str) -> None:
    """Without a DTD there are no entities of any kind."""
    with pytest.raises(InvalidInput, match=r"line \d: a document type declaration"):
        read(Format.JUNIT, document)


def test_undeclared_entities() -> None:
    """An entity that nobody declared is an error of the file."""
    with pytest.raises(InvalidInput, match="line 1: undefined entity"):
        read(Format.JUNIT, '<testsuite><testcase name="&x;"/></testsuite>')


@pytest.mark.parametrize(
    ("result_format", "head", "piece"),
    [
        (Format.JUNIT, b"<testsuite>", b"<testsuite>"),
        (Format.JUNIT, b"<testsuite><testcase name='a'><failure>", b"<a>"),
        (Format.JUNIT, b"<testsuite><testcase name='", b"x"),
        (Format.JUNIT, b"<testsuite><", b"x"),
        (Format.JUNIT, b"<testsuite><!--", b"x"),
        (Format.JUNIT, b"<testsuite><?", b"x"),
        (Format.CUCUMBER, b"", b"["),
        (Format.CUCUMBER, b'[{"elements": [', b'{"a":'),
        (Format.CUCUMBER, b'[{"elements": [[', b"{},"),
        (Format.CUCUMBER, b'[{"elements": [[', b'"x",'),
        (Format.CUCUMBER, b'[{"elements": [', b"1"),
        (Format.CUCUMBER, b'[{"x":', b'{"x":'),
        (Format.CUSTOM, b'{"x": ', b'{"x": '),
        (Format.CUSTOM, b"", b'{"x": '),
        (Format.CUSTOM, b'{"executions": [[', b"1,"),
    ],
)
def test_endless(result_format: Format, head: bytes, piece: bytes) -> None:
    """Nesting, tags, lists and numbers without end are given up early."""
    limit = 3 * max(junit_limits.MAX_TOKEN_BYTES, json_limits.MAX_VALUE_BYTES)
    with pytest.raises(InvalidInput, match=r"^line 1: "):
        list(parse(result_format, Endless(head, piece, limit), KEYS))


def test_deep_nesting() -> None:
    """10,000 levels, complete, are refused as well."""
    deep = 10_000
    with pytest.raises(InvalidInput, match="nested deeper than 64"):
        read(Format.JUNIT, "<testsuite>" * deep + "</testsuite>" * deep)
    for document in ("[" * deep + "]" * deep, '[{"x":' * deep + "1" + "}]" * deep):
        with pytest.raises(InvalidInput, match=r"line 1: "):
            read(Format.CUCUMBER, document)
        with pytest.raises(InvalidInput, match="nested deeper than 64"):
            read(Format.CUSTOM, f'{{"x": {document}}}')


def test_names_without_end() -> None:
    """expat remembers every name; it is not given many."""
    many = "".join(f"<a{n}/>" for n in range(5_000))
    with pytest.raises(InvalidInput, match="more than 2000 different"):
        read(Format.JUNIT, f"<testsuite>{many}</testsuite>")


def test_keys_without_end() -> None:
    """A name may not refer to thousands of cases."""
    name = " ".join(f"ZT-T{n}" for n in range(1_000))
    with pytest.raises(InvalidInput, match="more than 50 test case keys"):
        read(Format.JUNIT, f'<testsuite><testcase name="{name}"/></testsuite>')


def test_a_refusal_names_the_file() -> None:
    """A zip holds several."""
    with pytest.raises(InvalidInput, match=r"^a/b\.xml, line 1: syntax error"):
        list(parse(Format.JUNIT, io.BytesIO(b"x"), KEYS, name="a/b.xml"))


@pytest.mark.parametrize(
    "document",
    [
        lambda: b"<testsuite><testcase name='a'><failure>%s</failure></testcase></testsuite>",
        lambda: b"<testsuite><system-out>%s</system-out></testsuite>",
        lambda: (
            b"<testsuite><testcase name='a'><error><![CDATA[%s]]></error></testcase></testsuite>"
        ),
    ],
)
def test_huge_text_is_not_held(document: Callable[[], bytes]) -> None:
    """20 MB of text cost as much as the comment that is kept of it."""
    data = document() % (b"line of text & more\n".replace(b"&", b"+") * 1_000_000)
    tracemalloc.start()
    try:
        list(parse(Format.JUNIT, io.BytesIO(data), KEYS))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_pictures_are_not_held() -> None:
    """Screenshots inside and beside the scenarios are passed over."""
    picture = b"A" * 10_000_000
    step = b'{"result": {"status": "passed"}, "embeddings": [{"data": "%s"}]}' % picture
    data = b'[{"x": "%s", "elements": [{"steps": [%s]}], "name": "F"}]' % (picture, step)
    tracemalloc.start()
    try:
        (result,) = parse(Format.CUCUMBER, io.BytesIO(data), KEYS)
        assert result.status == "Pass"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "character", ["\\\\", '\\"', "\\n", "\\u00e9", "\\ud83d\\ude00", "é", "😀"]
)
def test_long_strings_are_cut_between_characters(character: str) -> None:
    """Wherever the cut falls, what is left is JSON."""
    for shift in range(1, 14):
        text = "x" * shift + character * 40_000
        data = f'[{{"elements": [{{"name": "{text}", "steps": []}}], "name": "F"}}]'.encode()
        (result,) = parse(Format.CUCUMBER, Dribble(data, 50_001), KEYS)
        assert (result.name or "").startswith("F: x")


def test_parsers_share_nothing() -> None:
    """Uploads are parsed in threads."""
    cases = "".join(f'<testcase name="t{n}[{n % 3}]"><skipped/></testcase>' for n in range(500))
    documents = [f"<testsuite>{cases}</testsuite>"] * 4
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda d: read(Format.JUNIT, d), documents))
    assert all(r == results[0] for r in results)
    assert len(results[0]) == 500


XML_BITS = st.sampled_from(
    [
        b"<testsuite>", b"</testsuite>", b"<testsuites>", b"</testsuites>", b"<testcase name='a'>",
        b"<testcase name='a[1]' time='1'/>", b"</testcase>", b"<failure message='m'>",
        b"</failure>", b"<skipped/>", b"&lt;", b"&x;", b"<![CDATA[", b"]]>", b"<!--", b"-->",
        b"<?xml version='1.0'?>", b"<!DOCTYPE a>",
        b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\n", b"text",
    ]
)  # fmt: skip
JSON_BITS = st.sampled_from(
    [
        b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b'"version"', b'"executions"', b'"result"',
        b'"Pass"', b'"testCase"', b'"elements"', b'"steps"', b'"status"', b'"name"', b'"tags"',
        b"1", b"-", b"1e999", b"null", b"true", b"\\ud800", b"\xff", b"\n", b'"TestCaseKey=ZT-T1"',
        b'{"type":"scenario","steps":[{"result":{"status":"failed"}}]}',
        b'{"result":"Pass","source":"s"}',
    ]
)  # fmt: skip


def fails_only_with_invalid_input(result_format: Format, data: bytes) -> None:
    """Parse whole and in small pieces: the same results, or refusals."""
    outcomes = [
        _results_or_message(result_format, stream)
        for stream in (io.BytesIO(data), Dribble(data, 3))
    ]
    if isinstance(outcomes[0], str):
        assert isinstance(outcomes[1], str)
        assert all(str(o).startswith("line ") for o in outcomes)
    else:
        assert outcomes[0] == outcomes[1]


def _results_or_message(result_format: Format, stream: ByteStream) -> list[ParsedResult] | str:
    try:
        return list(parse(result_format, stream, KEYS))
    except InvalidInput as refusal:
        return refusal.message


@given(st.binary() | st.lists(XML_BITS).map(b"".join))
@example(b"")
@example(b"<?xml version='1.0' encoding='utf-7'?><testsuite/>")
def test_junit_never_fails_otherwise(data: bytes) -> None:
    """Any bytes are results or a refusal."""
    fails_only_with_invalid_input(Format.JUNIT, data)


@given(
    st.sampled_from([Format.CUCUMBER, Format.CUSTOM]),
    st.binary() | st.lists(JSON_BITS).map(b"".join),
)
def test_json_never_fails_otherwise(result_format: Format, data: bytes) -> None:
    """Any bytes are results or a refusal."""
    fails_only_with_invalid_input(result_format, data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(["passed", "failed", "Pass", "TestCaseKey=ZT-T1", "background"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([
            "elements", "steps", "result", "status", "duration", "error_message", "name", "tags",
            "type", "id", "keyword", "before", "after", "line", "uri", "version", "executions",
            "testCase", "key", "source", "comment", "executionTime",
        ]),
        inner, max_size=5,
    ),
    max_leaves=30,
)  # fmt: skip


@given(st.sampled_from([Format.CUCUMBER, Format.CUSTOM]), json_values)
def test_any_json_of_the_wrong_types(result_format: Format, value: object) -> None:
    """Well-formed JSON whose members are of other types than expected."""
    wrapped = {"executions": [value]} if result_format is Format.CUSTOM else [{"elements": [value]}]
    for document in (value, wrapped):
        fails_only_with_invalid_input(result_format, json.dumps(document).encode())
