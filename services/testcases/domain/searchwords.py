"""Words of texts, as the search finds them: in any case, without accents, whatever surrounds them.

Scripts that put no space between words (Chinese, Japanese, Korean, Thai and neighbours) are taken
apart into pairs of characters, so that any part of a text of them is found. A stored term is
``word:part`` with the part of the case that it stands in.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kit.errors import InvalidInput
from services.testcases.domain.scripts import InlineStep, Script, TextScript
from services.testcases.domain.testcases import TestCase

MAX_WORD_LENGTH = 64
"""Longer ones are cut, in texts and in queries alike."""
MAX_WORDS = 2_000
"""Different ones of a case's own texts, and as many of its script; what is beyond is not found."""
MAX_TERMS = 30
"""Of one query."""
MIN_PREFIX = 2

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_COMMENT_END = "-->"
_MARKUP = re.compile(rf"{_TAG.pattern}|<!--.*?{_COMMENT_END}", re.DOTALL)
_NUMBER = re.compile(r"&#[0-9A-Fa-fXx]{9,}")
"""Of no character; ``html.unescape`` fails at thousands of digits."""
_MARKS = 30
"""Longest run of combining marks: to sort one takes the square of its length (UAX #15, D3)."""
_ACCENTS = re.compile("[\u0300-\u036f]")
_PLAIN = re.compile(r"[a-z0-9]+")
_PAIRED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, kana, Han, Hangul."""
_RUN = re.compile(rf"[{_PAIRED}]+|[^{_PAIRED} ]+")
_PAIRED_RUN = re.compile(rf"[{_PAIRED}]")
_ASKED = re.compile(r"[^\s*]+\*?")


class Part(StrEnum):
    """Where a word stands in a case."""

    NAME = "n"
    OBJECTIVE = "o"
    PRECONDITION = "p"
    LABELS = "l"
    SCRIPT = "s"


_WHOLE_LABEL = "="


@dataclass(frozen=True, slots=True)
class Term:
    """A word that a case must have in a part, or in any; ``prefix``: that begins so."""

    word: str
    part: Part | None = None
    prefix: bool = False


def case_words(case: TestCase) -> list[str]:
    """Return the stored terms of what a case says of itself."""
    found: dict[str, None] = dict.fromkeys(label_term(label) for label in case.labels)
    for part, texts in (
        (Part.NAME, [case.name]),
        (Part.LABELS, case.labels),
        (Part.OBJECTIVE, [case.objective]),
        (Part.PRECONDITION, [case.precondition]),
    ):
        _add(found, part, texts)
    return list(found)


def script_words(script: Script) -> list[str]:
    """Return the stored terms of a script."""
    found: dict[str, None] = {}
    _add(found, Part.SCRIPT, _script_texts(script))
    return list(found)


def label_term(label: str) -> str:
    """Return the stored term of a whole label, in any case."""
    return f"{label.casefold()}:{_WHOLE_LABEL}"


def stored(term: Term) -> list[str]:
    """Return the stored terms that a whole word may be."""
    parts = list(Part) if term.part is None else [term.part]
    return [f"{term.word}:{part}" for part in parts]


def asked(text: str, part: Part | None = None) -> list[Term]:
    """Return what a query asks for: all of its words; ``zahl*`` is a word that begins so.

    Raises ``InvalidInput`` for a query without a word, with too many, or with a short beginning.
    """
    found: dict[Term, None] = {}
    for piece in _ASKED.findall(text):
        words = list(_runs(piece))
        for place, word in enumerate(words):
            open_end = piece.endswith("*") and place == len(words) - 1
            found.update(dict.fromkeys(_terms(word, part, open_end=open_end)))
    if not found:
        raise InvalidInput("The text to search for holds no word.")
    if len(found) > MAX_TERMS:
        raise InvalidInput(f"The text to search for must not hold more than {MAX_TERMS} words.")
    return list(found)


def _terms(word: str, part: Part | None, *, open_end: bool) -> Iterator[Term]:
    if not _PAIRED_RUN.match(word):
        if open_end and len(word) < MIN_PREFIX:
            raise InvalidInput(f"A word needs {MIN_PREFIX} characters before the *.")
        yield Term(word[:MAX_WORD_LENGTH], part, open_end)
    elif len(word) == 1:
        # a pair begins with it, or it ends a run
        yield Term(word, part, prefix=True)
    else:
        yield from (Term(word[i : i + 2], part) for i in range(len(word) - 1))


def _add(found: dict[str, None], part: Part, texts: Iterable[str | None]) -> None:
    for text in texts:
        for word in _words(text or ""):
            if len(found) >= MAX_WORDS:
                return
            found[f"{word}:{part}"] = None


def _words(text: str) -> Iterator[str]:
    for run in _runs(html.unescape(_NUMBER.sub(" ", _untagged(text)))):
        if not _PAIRED_RUN.match(run):
            yield run[:MAX_WORD_LENGTH]
        else:
            yield from (run[i : i + 2] for i in range(len(run)))


def _untagged(text: str) -> str:
    # behind the last end no comment is looked for: each beginning would be looked for to the end
    closed = text.rfind(_COMMENT_END) + len(_COMMENT_END) if _COMMENT_END in text else 0
    return _MARKUP.sub(" ", text[:closed]) + _TAG.sub(" ", text[closed:])


def _tamed(text: str) -> str:
    """Cut long runs of marks short, those that compatible characters come to as well."""
    kept: list[str] = []
    marks = 0
    for char in text:
        for part in unicodedata.normalize("NFKD", char):
            marks = marks + 1 if unicodedata.combining(part) else 0
        if marks <= _MARKS:
            kept.append(char)
    return "".join(kept)


def _runs(text: str) -> Sequence[str]:
    if text.isascii():
        return _PLAIN.findall(text.lower())
    folded = unicodedata.normalize("NFKC", _tamed(text)).casefold()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    whole = unicodedata.normalize("NFC", bare)
    # letters, numbers and marks belong to words
    spaced = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in whole)
    return _RUN.findall(spaced)


def _script_texts(script: Script) -> Iterator[str | None]:
    if isinstance(script, TextScript):
        yield script.text
        return
    for step in script.steps:
        action = step.action
        if isinstance(action, InlineStep):
            yield from (action.description, action.test_data, action.expected_result)
        else:
            for parameter in action.parameters or ():
                yield from (parameter.name, parameter.value)
