"""JUnit XML: a streaming reader on expat.

Roots ``<testsuites>`` and ``<testsuite>``, suites at any depth. Failure and error texts and
durations are kept; hostname, properties and captured output never leave this module.
Source: behaviour.md 15.3 and files of fifteen frameworks in ``tests/data/results``.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final
from xml.parsers import expat

from contracts.testcases import case_name
from kit.errors import InvalidInput
from services.executions.domain.formats.keys import KeyFinder
from services.executions.domain.formats.stream import CHUNK_BYTES, ByteStream
from services.executions.domain.formats.text import BoundedText, comment_of, seconds_text
from services.executions.domain.formats.variants import split_variant
from services.executions.domain.formats.xmltext import CleanXml
from services.executions.domain.results import Outcome, ParsedResult

MAX_DEPTH: Final = 64
MAX_TOKEN_BYTES: Final = 1_048_576
"""Longest tag with its attributes; expat holds one whole."""
MAX_NAMES: Final = 2_000
"""Most different names of tags and attributes; expat remembers each."""

UNNAMED: Final = "(test without a name)"
"""Of a test in suites that have no name either."""
_SUITES = frozenset({"testsuites", "testsuite"})
_PROBLEMS = {"failure": Outcome.FAIL, "error": Outcome.FAIL, "skipped": Outcome.SKIPPED}
_NOT_RUN = frozenset({"notrun", "disabled", "skipped", "untested"})
"""Values of ``status`` by which GoogleTest and behave say that a test did not run."""
_ENCODINGS = frozenset(
    {"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "latin1", "iso-8859-1", "iso-8859-15"}
    | {f"windows-125{n}" for n in range(9)}
)


def read_junit(stream: ByteStream, project_keys: Collection[str]) -> Iterator[ParsedResult]:
    """Yield a result for each ``<testcase>``. Raises ``InvalidInput`` naming line and cause."""
    reader = _Reader(project_keys)
    more = True
    while more:
        data = stream.read(CHUNK_BYTES)  # reading lets other threads run
        more = bool(data)
        reader.feed(data)
        yield from reader.take()


class _Reader:
    """Handlers of one expat parser."""

    def __init__(self, project_keys: Collection[str]) -> None:
        self._find_keys = KeyFinder(project_keys).find
        self._results: list[ParsedResult] = []
        self._depth = 0
        self._suite = 0
        self._suites: list[str] = []
        self._clean = CleanXml().piece
        self._case: Mapping[str, str] | None = None
        self._case_depth = 0
        self._outcome = Outcome.PASS
        self._texts: BoundedText | None = None
        self._problem: Mapping[str, str] = {}
        self._body: BoundedText | None = None
        self._fed = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def take(self) -> list[ParsedResult]:
        """Return what is complete."""
        done, self._results = self._results, []
        return done

    def feed(self, data: bytes) -> None:
        """Parse a piece; an empty one says that the file ends."""
        parser = self._parser
        ended, data = not data, self._clean(data)
        try:
            parser.Parse(data, ended)
        except expat.ExpatError as error:
            cause = expat.ErrorString(error.code)
            raise InvalidInput(f"line {error.lineno}: {cause}") from None
        except (ValueError, LookupError) as error:  # an encoding that Python cannot map
            raise self._refused(str(error)) from None
        self._fed += len(data)
        if not ended and self._fed - parser.CurrentByteIndex > MAX_TOKEN_BYTES:
            raise self._refused(f"a tag or comment longer than {MAX_TOKEN_BYTES} bytes")
        if len(parser.intern) > MAX_NAMES:
            raise self._refused(f"more than {MAX_NAMES} different tag and attribute names")

    def _refused(self, cause: str) -> InvalidInput:
        return InvalidInput(f"line {self._parser.CurrentLineNumber}: {cause}")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise self._refused(f"encoding '{encoding[:40]}' is not supported")

    def _doctype(self, *_: object) -> None:
        # without a document type there are no entities, inner or outer
        raise self._refused("a document type declaration (DTD) is not accepted")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refused(f"nested deeper than {MAX_DEPTH}")
        if self._case is not None:
            if tag in _PROBLEMS and self._depth == self._case_depth + 1:
                self._problem, self._body = attributes, BoundedText()
                self._parser.CharacterDataHandler = self._body.add
        elif tag == "testcase" and self._depth > 1:
            self._case, self._case_depth = attributes, self._depth
        elif tag in _SUITES:
            self._suite += tag == "testsuite"
            self._suites.append(attributes.get("name", "").strip())
        elif self._depth == 1:
            raise self._refused(
                f"the root is <{tag[:40]}>, not <testsuites> or <testsuite>: this is no JUnit file"
            )

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._case is None and tag in _SUITES:
            self._suites.pop()
        if self._case is None or self._depth > self._case_depth:
            return
        if self._depth == self._case_depth:
            if self._body is not None:
                self._end_problem(_PROBLEMS[tag], str(self._body))
        else:
            self._results.append(self._result(self._case))
            self._case, self._outcome, self._texts = None, Outcome.PASS, None

    def _end_problem(self, outcome: Outcome, body: str) -> None:
        self._parser.CharacterDataHandler = None
        self._body = None
        text = _problem_text(self._problem, body.strip("\r\n \t"))
        if outcome is self._outcome and self._texts is not None:
            self._texts.add(f"\n\n{text}")
        elif self._outcome is not Outcome.FAIL:  # the reason of a skip gives way to a failure
            self._outcome, self._texts = outcome, BoundedText()
            self._texts.add(text)

    def _result(self, case: Mapping[str, str]) -> ParsedResult:
        name = case.get("name", "").strip()
        classname = case.get("classname", "").strip()
        if not name and not classname:
            # a writer that names nothing: its result counts all the same
            classname = next(filter(None, reversed(self._suites)), UNNAMED)
        try:
            keys = self._find_keys(name)
        except ValueError as error:
            raise self._refused(str(error)) from None
        outcome = self._outcome
        if outcome is Outcome.PASS and case.get("status", "").lower() in _NOT_RUN:
            outcome = Outcome.SKIPPED
        base, variant = split_variant(name)
        full = _qualified(classname, base)
        return ParsedResult(
            keys,
            case_name(full),
            (case_name(_qualified(classname, name)),) if variant else (),
            outcome,
            seconds_text(case.get("time")),
            comment_of(str(self._texts)) if self._texts is not None else None,
            "\n".join((str(self._suite), full, *keys)) if variant else None,
            variant[:100],
        )


def _qualified(classname: str, name: str) -> str:
    """Return the name by which a case without a key is matched. Source: behaviour.md 15.3."""
    return f"{classname}.{name}" if classname and name else classname or name


def _problem_text(attributes: Mapping[str, str], body: str) -> str:
    """Join the message and the text of a failure, without saying the same twice."""
    message, kind = attributes.get("message", "").strip(), attributes.get("type", "")
    if body:
        return body if message in body else f"{message}\n{body}"
    if not message or not kind or kind in message:
        return message or kind
    return f"{kind}: {message}"
