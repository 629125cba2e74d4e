"""Words of texts and of queries, at their bounds."""

from time import process_time

import pytest

from kit.errors import InvalidInput
from services.testcases.domain.scripts import (
    MAX_SCRIPT_BYTES,
    CallParameter,
    CallStep,
    InlineStep,
    ScriptType,
    Step,
    StepsScript,
    TextScript,
)
from services.testcases.domain.searchwords import (
    MAX_TERMS,
    MAX_WORD_LENGTH,
    MAX_WORDS,
    Part,
    Term,
    asked,
    script_words,
    stored,
)


def words(text: str) -> list[str]:
    """Return the words of a text without their part."""
    return [term.removesuffix(":s") for term in script_words(TextScript(ScriptType.PLAIN, text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("<br/>a<b class='x y'>b</b><!-- c -->", ["a", "b"]),
        ("1 < 2 & 3 > 2 &lt;tag&gt;", ["1", "2", "3", "tag"]),
        ("\uff21\uff11 \ufb01x \u0130", ["a1", "fix", "i"]),
        ("登", ["登"]),
        ("登录x登", ["登录", "录", "x", "登"]),
        ("हिन्दी", ["हिन्दी"]),
        ("e\u0301tude", ["etude"]),
        ("💥 boom 💥", ["boom"]),
        ("a<!-- b --> c <!-- d <i>e</i>", ["a", "c", "d", "e"]),
        (f"a&#{'9' * 5_000};b &#x{'f' * 50}; &#228;", ["a", "b"]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "text",
    ["<!--", "<!-->", "<a <!--", "a\u0300\u0323", "\u0323\uff9e", "\u0f73\u0323", "&#9", "<a"],
)
def test_no_text_takes_the_square_of_its_length(text: str) -> None:
    for long in (text * (MAX_SCRIPT_BYTES // len(text.encode())), "a" + text[1:] * 150_000):
        began = process_time()
        words(long)
        assert process_time() - began < 10


def test_all_texts_of_steps_count() -> None:
    inline = InlineStep("one", "two", "three", "reflect")
    call = CallStep(7, "DEMO-T7", (CallParameter("four", None, "five"),))
    found = script_words(StepsScript((Step(1, inline), Step(2, call))))
    assert found == ["one:s", "two:s", "three:s", "four:s", "five:s"]


def test_what_is_too_long_or_too_much_is_cut() -> None:
    long = "x" * (MAX_WORD_LENGTH + 9)
    assert words(long) == [long[:MAX_WORD_LENGTH]]
    assert asked(long) == [Term(long[:MAX_WORD_LENGTH])]
    assert len(words(" ".join(f"w{n}" for n in range(MAX_WORDS + 9)))) == MAX_WORDS


def test_what_a_query_asks_for() -> None:
    assert asked("Zahl* a-b a") == [Term("zahl", prefix=True), Term("a"), Term("b")]
    assert asked("登录测", Part.NAME) == [Term("登录", Part.NAME), Term("录测", Part.NAME)]
    assert asked("登") == [Term("登", prefix=True)]
    assert stored(Term("a", Part.NAME)) == ["a:n"]
    assert len(stored(Term("a"))) == len(Part)


@pytest.mark.parametrize("text", ["", "…", "x*", " ".join(f"w{n}" for n in range(MAX_TERMS + 1))])
def test_queries_that_ask_for_nothing_or_too_much(text: str) -> None:
    with pytest.raises(InvalidInput):
        asked(text)
