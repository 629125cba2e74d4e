"""JUnit XML: what each element comes to."""

import pytest

from contracts.executions import MAX_COMMENT_BYTES
from kit.errors import InvalidInput
from services.executions.domain.formats import Format
from services.executions.domain.formats.junit import UNNAMED
from services.executions.domain.formats.text import MARKER
from services.executions.domain.formats.xmltext import CleanXml
from services.executions.domain.results import Outcome
from tests.unit.executions.reading import junit, read


def case(inner: str = "", name: str = "t", **attributes: str) -> str:
    """Write one test case."""
    extra = "".join(f' {k}="{v}"' for k, v in attributes.items())
    return f'<testcase classname="c" name="{name}"{extra}>{inner}</testcase>'


def test_outcomes() -> None:
    """Failure and error fail, skipped skips, else it passed; a failure beside a skip wins."""
    results = junit(
        case(),
        case("<failure/>"),
        case("<error/>"),
        case("<skipped/>"),
        case('<skipped message="why"/><failure message="boom"/>'),
        case('<failure message="boom"/><skipped message="why"/>'),
        case("<system-out>no <![CDATA[<failure/>]]></system-out><rerunFailure/>"),
        case(status="notrun"),
    )
    assert [r.status for r in results] == [
        "Pass", "Fail", "Fail", "Skipped", "Fail", "Fail", "Pass", "Skipped",
    ]  # fmt: skip
    assert [r.comment for r in results[4:6]] == ["boom", "boom"]


def test_text_of_failures() -> None:
    """Message and text are told once, escaped; several failures are joined."""
    results = junit(
        case('<failure message="a &lt; b" type="E">stack:\n a &lt; b &amp; c</failure>'),
        case('<failure message="told" type="E">stack</failure>'),
        case('<failure message="alone" type="E"/>'),
        case('<failure type="E"/>'),
        case('<failure message="one"/><error>two<inner>three</inner></error>'),
        case('<skipped message="later"/>'),
        case("<failure>  \n </failure>"),
    )
    assert [r.comment for r in results] == [
        "stack:<br> a &lt; b &amp; c",
        "told<br>stack",
        "E: alone",
        "E",
        "one<br><br>twothree",
        "later",
        None,
    ]


def test_long_text_is_cut_visibly() -> None:
    """The comment ends on a whole character and entity, with a marker."""
    for filler in ("&lt;", "é", "\U0001f600", "a\n"):
        for shift in ("", "x", "xx", "xxx"):
            body = shift + filler * (2 * MAX_COMMENT_BYTES // len(filler))
            comment = junit(case(f"<failure>{body}</failure>"))[0].comment
            assert comment is not None
            assert comment.endswith(MARKER)
            assert MAX_COMMENT_BYTES - 20 <= len(comment.encode()) <= MAX_COMMENT_BYTES
            kept = comment.removesuffix(MARKER).removeprefix(shift)
            whole = filler.replace("\n", "<br>") * len(kept)
            assert whole.startswith(kept)
            assert kept.count("&") == kept.count(";")
            assert kept.count("<") == kept.count(">")


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("0.281", 281), ("0", 0), ("7.3e-05", 0), ("1,234.5", 1_234_500), ("0,25", 250),
        ("", None), ("soon", None), ("-1", None), ("NaN", None), ("inf", None), ("1e300", None),
    ],
)  # fmt: skip
def test_time(time: str, expected: int | None) -> None:
    """Seconds become whole milliseconds; nonsense becomes nothing."""
    assert junit(case(time=time))[0].time_ms == expected


def test_names() -> None:
    """Without a key the case is matched by classname.name; long names stay within the limit."""
    results = junit(
        case(name="a"),
        '<testcase name="only name"/>',
        '<testcase classname="only.class"/>',
        case(name="x" * 400),
        case(name="y[1]"),
    )
    assert [r.name for r in results[:3]] == ["c.a", "only name", "only.class"]
    assert len(results[3].name or "") == 255
    assert (results[4].name, results[4].alternative_names) == ("c.y", ("c.y[1]",))


def test_a_test_without_a_name_has_that_of_its_suite() -> None:
    """Its result is not lost, and it does not take the whole file along."""
    text = (
        '<testsuites><testsuite name="a"><testcase><failure>f</failure></testcase>'
        '<testsuite name=" "><testcase name=""/></testsuite></testsuite><testcase/></testsuites>'
    )
    results = read(Format.JUNIT, text)
    assert [r.name for r in results] == ["a", "a", UNNAMED]
    assert [r.status for r in results] == [Outcome.FAIL, Outcome.PASS, Outcome.PASS]


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_characters_that_xml_cannot_hold(size: int) -> None:
    """They do not take the whole file along, raw or as references, wherever pieces end."""
    body = '<testsuite><testcase name="a\x1b[1m\0&#27;&#x1B;&#0;&#10;b&amp;"><failure>\b</failure>'
    for head, instead in (("", "\ufffd"), ("<?xml version='1.0' encoding='latin1'?>", "?")):
        data = f"{head}{body}</testcase></testsuite>".encode()
        clean = CleanXml().piece
        # the encoding is looked for in the first one
        pieces = [data[:60], *(data[n : n + size] for n in range(60, len(data), size))]
        whole = b"".join(map(clean, [*pieces, b""]))
        assert whole == clean_at_once(data)
        (result,) = read(Format.JUNIT, data)
        assert result.name == f"a{instead}[1m{instead}\ufffd\ufffd\ufffd b&"
        assert result.comment == instead
    name = "é\u0a0a"
    text = (
        f'<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="{name}"/></testsuite>'
    )
    assert read(Format.JUNIT, text.encode("utf-16"))[0].name == name


def clean_at_once(data: bytes) -> bytes:
    """Clean a file in one piece."""
    clean = CleanXml().piece
    return clean(data) + clean(b"")


def test_nested_suites_are_flattened() -> None:
    """The vendor refuses a suite in a suite; we take it."""
    text = (
        '<testsuites><testsuite name="a"><testcase name="1"/>'
        '<testsuite name="b"><testcase name="2"/></testsuite></testsuite></testsuites>'
    )
    assert [r.name for r in read(Format.JUNIT, text)] == ["1", "2"]


def test_variants_fold_within_their_suite() -> None:
    """Variants of one test fold; the same test in another suite (another browser) does not."""
    suite = '<testsuite>{0}<testcase name="o"/>{1}</testsuite>'
    ok, bad = (
        case(name="x_ZT_T1[a]", time="1"),
        case("<failure>no</failure>", "x_ZT_T1[b]", time="2"),
    )
    results = read(
        Format.JUNIT, f"<testsuites>{suite.format(ok, bad)}{suite.format(ok, ok)}</testsuites>"
    )
    assert [(r.name, r.keys, r.status, r.time_ms, r.comment) for r in results] == [
        ("o", (), "Pass", None, None),
        ("o", (), "Pass", None, None),
        ("c.x_ZT_T1", ("ZT-T1",), "Fail", 3000, "[b]<br>no"),
        ("c.x_ZT_T1", ("ZT-T1",), "Pass", 2000, None),
    ]


def test_variants_that_name_different_cases_stay_apart() -> None:
    """A parameter may carry the key."""
    results = junit(case(name="x[ZT-T1]"), case(name="x[ZT-T2]"))
    assert [r.keys for r in results] == [("ZT-T1",), ("ZT-T2",)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings(encoding: str) -> None:
    """The encodings that result files come in are read."""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="ünï"/></testsuite>'
    )
    assert read(Format.JUNIT, text.encode(encoding))[0].name == "ünï"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "line 1: no element found"),
        ("<testsuite>\n<testcase\n", "line 2: unclosed token"),
        ("<testsuite>\n<testcase name='a'>\n</testsuite>", "line 3: mismatched tag"),
        ("<html>\n</html>", "line 1: the root is <html>, not <testsuites> or <testsuite>"),
        ("<testcase name='a'/>", "line 1: the root is <testcase>"),
        ("<testsuite/><testsuite/>", "line 1: junk after document element"),
        ("plain text", "line 1: syntax error"),
        ('<?xml version="1.0" encoding="cp037"?><testsuite/>', "encoding 'cp037' is not supported"),
        ('<?xml version="1.0" encoding="idna"?><testsuite/>', "encoding 'idna' is not supported"),
    ],
)  # fmt: skip
def test_malformed(document: str, message: str) -> None:
    """A refusal names the line and the cause."""
    with pytest.raises(InvalidInput) as refusal:
        read(Format.JUNIT, document)
    assert message in refusal.value.message


def test_invalid_bytes() -> None:
    """Bytes that are not what the encoding says are refused."""
    with pytest.raises(InvalidInput, match="line 2: not well-formed"):
        read(Format.JUNIT, b'<testsuite>\n<testcase name="\xff\xfe"/></testsuite>')
