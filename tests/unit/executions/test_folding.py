"""Folding and reading back: counts, order, memory."""

import io
import tempfile
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.executions import MAX_COMMENT_BYTES
from kit.errors import InvalidInput
from services.executions.domain.formats.folding import MAX_WAITING, fold
from services.executions.domain.formats.records import Replay
from services.executions.domain.formats.text import MARKER
from services.executions.domain.results import Outcome, ParsedResult

BADNESS = {Outcome.PASS: 0, Outcome.SKIPPED: 1, Outcome.FAIL: 2}

results = st.lists(
    st.builds(
        ParsedResult,
        keys=st.lists(st.text(), max_size=2).map(tuple),
        name=st.none() | st.text(),
        alternative_names=st.lists(st.text(), max_size=1).map(tuple),
        status=st.sampled_from(list(BADNESS)),
        time_ms=st.none() | st.integers(0, 10**6),
        comment=st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1),
        group=st.none() | st.sampled_from("abcd"),
        variant=st.sampled_from(["[1]", "[2]"]),
    )
)


def result(group: str | None, status: Outcome = Outcome.PASS, **extra: object) -> ParsedResult:
    """Build a variant."""
    values = {"keys": (), "name": "n", "alternative_names": (), "time_ms": 1, "comment": None}
    return ParsedResult(status=status, group=group, **(values | extra))  # type: ignore[arg-type]


@given(results)
def test_fold_keeps_counts(given_results: list[ParsedResult]) -> None:
    """One result for each group and each result without one; no time and no failure is lost."""
    folded = list(fold(given_results, io.BytesIO()))
    groups = {r.group for r in given_results if r.group is not None}
    single = [r for r in given_results if r.group is None]
    assert folded[: len(single)] == single
    assert len(folded) == len(single) + len(groups)
    assert sum(r.time_ms or 0 for r in folded) == sum(r.time_ms or 0 for r in given_results)
    for got, group in zip(
        folded[len(single) :], dict.fromkeys(_groups(given_results)), strict=True
    ):
        members = [r for r in given_results if r.group == group]
        worst = max((r.status for r in members), key=lambda s: BADNESS[Outcome(s)])
        assert (got.status, got.name, got.keys) == (worst, members[0].name, members[0].keys)
        assert (got.group, got.variant) == (None, "")
        shown = [r.comment for r in members if r.status == worst and r.comment]
        assert (got.comment is None) == (not shown)
        assert all(text in (got.comment or "") for text in shown)


def _groups(given_results: list[ParsedResult]) -> Iterator[str]:
    return (r.group for r in given_results if r.group is not None)


@given(results)
def test_replay_repeats(given_results: list[ParsedResult]) -> None:
    """Every reading gives the same, and the source is asked once."""
    asked = 0

    def source() -> Iterator[ParsedResult]:
        nonlocal asked
        asked += 1
        return fold(given_results, io.BytesIO())

    replay = Replay(source, io.BytesIO())
    first = list(replay())
    assert list(replay()) == first
    assert list(replay()) == first
    assert asked == 1


def test_replay_after_an_interrupted_reading() -> None:
    """What was not read to its end is read anew."""
    replay = Replay(lambda: iter([result(None, name="a"), result(None, name="b")]), io.BytesIO())
    assert next(replay()).name == "a"
    assert [r.name for r in replay()] == ["a", "b"]
    assert [r.name for r in replay()] == ["a", "b"]


def test_replay_passes_errors_on() -> None:
    """A refusal in the middle of the file comes through, again and again."""

    def source() -> Iterator[ParsedResult]:
        yield result(None)
        raise InvalidInput("line 2: no")

    replay = Replay(source, io.BytesIO())
    for _ in range(2):
        with pytest.raises(InvalidInput):
            list(replay())


def test_texts_of_failing_variants_are_joined_and_bounded() -> None:
    """The texts of the worst variants, each under its label, cut as one comment."""
    some = [
        result("g", Outcome.SKIPPED, comment="why", variant="[0]"),
        result("g", Outcome.FAIL, comment="one", variant="[<1>]"),
        result("g", Outcome.PASS, variant="[2]"),
        result("g", Outcome.FAIL, comment="two", variant="[3]"),
    ]
    (folded,) = fold(some, io.BytesIO())
    assert folded.comment == "[&lt;1&gt;]<br>one<br><br>[3]<br>two"
    many = [result("g", Outcome.FAIL, comment="x" * 9_000, variant=f"[{n}]") for n in range(99)]
    (folded,) = fold(many, io.BytesIO())
    assert folded.comment is not None
    assert folded.comment.endswith(MARKER)
    assert len(folded.comment.encode()) == MAX_COMMENT_BYTES
    assert folded.time_ms == 99


def test_a_single_variant_keeps_its_text() -> None:
    """pytest-playwright adds [chromium] to every test."""
    (folded,) = fold(
        [result("g", Outcome.FAIL, comment="boom", variant="[chromium]")], io.BytesIO()
    )
    assert folded.comment == "boom"


def test_a_file_without_end_is_folded_in_parts() -> None:
    """Memory is bounded by the number of tests that wait, not by the file."""
    count = MAX_WAITING + 10
    variants = [result(f"g{n}") for n in (*range(count), 1, count - 1)]
    with tempfile.TemporaryFile() as waiting:
        folded = list(fold(variants, waiting))
    assert len(folded) == count + 1
    assert [r.time_ms for r in folded if r.time_ms != 1] == [2]


@pytest.mark.parametrize("variants", [0, 1, 3])
def test_memory_stays_flat(variants: int) -> None:
    """20 MB of text in 5,000 results cost a few MB, variants or not."""
    count = 5_000
    text = "x" * 4_000

    def source() -> Iterator[ParsedResult]:
        for n in range(count):
            # interleaved in the worst way: all first variants, then all second ones
            group = f"g{n % (count // variants)}" if variants else None
            yield result(group, Outcome.FAIL, comment=text, name=f"test {n}")

    with tempfile.TemporaryFile() as waiting, tempfile.TemporaryFile() as stored:
        replay = Replay(lambda: fold(source(), waiting), stored)
        tracemalloc.start()
        try:
            counted = [sum(1 for _ in replay()), sum(1 for _ in replay())]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    expected = count // variants if variants else count
    assert counted[0] == counted[1]
    assert abs(counted[0] - expected) <= 2
    assert peak < 3_000_000
