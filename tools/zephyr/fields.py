"""Definitions of custom fields, inferred from values: the API shows no definitions.

What is known (behaviour.md sections 5 and 9 of the API facts): a thing shows all fields of its kind
by name; unset text is "", an unset checkbox false, anything else unset is null. The rest is a
guess, and is called one: people check the file that this makes, and may state what they know.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.customfields import (
    CHOICES,
    MAX_OPTIONS,
    CustomFieldEntity,
    CustomFieldType,
    option_key,
)

_DATE = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_ACCOUNT = re.compile(
    r"\A(?:[0-9a-f]{24}|[a-z0-9]+:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\Z"
)
_LINES = re.compile(r"<br\s*/?>|</?p>|\n", re.IGNORECASE)
_LONGEST_OPTION = 255
_MEMORY = 1_000
"""Different texts that are remembered of one field: with more it is no list to choose from."""


class Sureness(StrEnum):
    """How good a type is: said by a person, seen, or guessed."""

    STATED = "stated"
    SEEN = "seen"
    GUESSED = "guessed"


class Definition(BaseModel):
    """One custom field, as the file for people has it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    entity: CustomFieldEntity
    name: Annotated[str, Field(min_length=1, max_length=255)]
    type: CustomFieldType
    required: bool = False
    options: list[str] = Field(default_factory=list)
    sureness: Sureness = Sureness.STATED
    because: str = ""


class Definitions(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid")

    fields: list[Definition] = Field(default_factory=list)


@dataclass
class _Seen:
    """What the values of one field were, without keeping them all."""

    kinds: Counter[str] = field(default_factory=Counter)
    texts: dict[str, int] = field(default_factory=dict)
    options: dict[str, None] = field(default_factory=dict)
    many: bool = False

    def add(self, value: Any) -> None:
        kind = _kind(value)
        self.kinds[kind] += 1
        if isinstance(value, list):
            self.options.update(dict.fromkeys(str(item) for item in value))
        elif kind in {"text", "lines", "long", "date", "account"}:
            if value in self.texts or len(self.texts) < _MEMORY:
                self.texts[value] = self.texts.get(value, 0) + 1
            else:
                self.many = True

    def has_only(self, *kinds: str) -> bool:
        """Whether all values that are set are of these kinds, and there is one."""
        had = {kind for kind, n in self.kinds.items() if n} - {"unset", "empty"}
        return bool(had) and had <= set(kinds)


class Inference:
    """Collects values, then says what the fields are likely to be."""

    def __init__(self) -> None:
        self._seen: dict[tuple[CustomFieldEntity, str], _Seen] = {}

    def add(self, entity: CustomFieldEntity, values: Mapping[str, Any] | None) -> None:
        """Take the ``customFields`` of one thing."""
        for name, value in (values or {}).items():
            self._seen.setdefault((entity, name), _Seen()).add(value)

    def definitions(self) -> list[Definition]:
        """Return a definition of every field that was seen, in the order of first sight."""
        found = []
        for (entity, name), seen in self._seen.items():
            kind, options, sureness, because = _judge(seen)
            found.append(
                Definition(
                    entity=entity,
                    name=name,
                    type=kind,
                    options=options if kind in CHOICES else [],
                    sureness=sureness,
                    because=because,
                )
            )
        return found


def combined(inferred: Sequence[Definition], stated: Iterable[Definition]) -> list[Definition]:
    """Return the definitions; what a person stated counts, options that were seen are added."""
    by_hand = {(d.entity, d.name): d for d in stated}
    found = []
    for guess in inferred:
        said = by_hand.pop((guess.entity, guess.name), None)
        if said is None:
            found.append(guess)
        elif said.type in CHOICES:
            found.append(said.model_copy(update={"options": _united(said, guess)}))
        else:
            found.append(said)
    return [*found, *by_hand.values()]


def fitted(definition: Definition, value: Any) -> tuple[Any | None, bool]:
    """Return a value as its field takes it (None: unset), and whether it was kept as it is."""
    if value is None or value in ("", []):
        return None, True
    match definition.type:
        case CustomFieldType.NUMBER | CustomFieldType.DECIMAL:
            good = isinstance(value, int | float) and not isinstance(value, bool)
        case CustomFieldType.CHECKBOX:
            good = isinstance(value, bool)
        case CustomFieldType.MULTI_CHOICE_SELECT_LIST:
            if isinstance(value, str):
                return [value], True
            good = isinstance(value, list)
        case CustomFieldType.DATE:
            good = isinstance(value, str) and bool(_DATE.match(value))
        case CustomFieldType.SINGLE_LINE_TEXT | CustomFieldType.MULTI_LINE_TEXT:
            if not isinstance(value, str):
                return _as_text(value), False
            good = True
        case _:
            good = isinstance(value, str)
    return (value, True) if good else (None, False)


def _united(said: Definition, guess: Definition) -> list[str]:
    known = {option_key(o) for o in said.options}
    return [*said.options, *(o for o in guess.options if option_key(o) not in known)]


def _as_text(value: Any) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return _kind_of_text(value)
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "whole" if float(value).is_integer() else "fraction"
    if isinstance(value, list):
        return "list"
    return "unset" if value is None else "strange"


def _kind_of_text(value: str) -> str:
    if not value:
        return "empty"
    if _LINES.search(value):
        return "lines"
    if len(value) > _LONGEST_OPTION:
        return "long"
    if _DATE.match(value):
        return "date"
    return "account" if _ACCOUNT.match(value) else "text"


_Judgement = tuple[CustomFieldType, list[str], Sureness, str]


def _judge(seen: _Seen) -> _Judgement:
    """The surest sign first."""
    kinds = CustomFieldType
    if seen.has_only("truth"):
        return kinds.CHECKBOX, [], Sureness.SEEN, "all values are true or false"
    if seen.has_only("list"):
        return _list(seen)
    if seen.has_only("whole", "fraction"):
        kind = kinds.DECIMAL if seen.kinds["fraction"] else kinds.NUMBER
        return kind, [], Sureness.SEEN, "all values are numbers"
    if seen.has_only("lines", "long", "text", "date", "account"):
        return _text(seen)
    if set(seen.kinds) <= {"unset", "empty"}:
        return _nothing(seen)
    return kinds.SINGLE_LINE_TEXT, [], Sureness.GUESSED, "values of several types, kept as text"


def _nothing(seen: _Seen) -> _Judgement:
    if seen.kinds["empty"] and not seen.kinds["unset"]:
        why = "a text that is set nowhere"
        return CustomFieldType.SINGLE_LINE_TEXT, [], Sureness.GUESSED, why
    # a list must have options; a date shows null where it is not set, as this one does
    why = "set nowhere, and no text: a list, number, date or user; state which"
    return CustomFieldType.DATE, [], Sureness.GUESSED, why


def _list(seen: _Seen) -> _Judgement:
    return (
        CustomFieldType.MULTI_CHOICE_SELECT_LIST,
        list(seen.options),
        Sureness.SEEN,
        "all values are lists; options that nothing has are missing",
    )


def _text(seen: _Seen) -> _Judgement:
    """Texts: what they look like, and how the field looks where it is not set."""
    kinds = CustomFieldType
    lines = seen.kinds["lines"] + seen.kinds["long"]
    if lines or seen.kinds["empty"]:
        kind = kinds.MULTI_LINE_TEXT if lines else kinds.SINGLE_LINE_TEXT
        if seen.kinds["empty"]:
            return kind, [], Sureness.SEEN, "text; where it is not set it is empty"
        return kind, [], Sureness.GUESSED, "long text, or text with lines"
    if seen.has_only("date"):
        return kinds.DATE, [], Sureness.SEEN, "all values are dates"
    if seen.has_only("account"):
        return kinds.USER_LIST, [], Sureness.SEEN, "all values look like account ids"
    return _names(seen)


def _names(seen: _Seen) -> _Judgement:
    """Short texts that are never empty: a text field where none is unset, or names of options."""
    choice, names = CustomFieldType.SINGLE_CHOICE_SELECT_LIST, list(seen.texts)
    few = not seen.many and len(names) <= MAX_OPTIONS
    if few and seen.kinds["unset"]:
        why = "names where it is set, null elsewhere; options that nothing has are missing"
        return choice, names, Sureness.SEEN, why
    if few and 3 * len(names) <= sum(seen.texts.values()):
        return choice, names, Sureness.GUESSED, "few names for many values, and set everywhere"
    why = "many texts" if seen.kinds["unset"] else "different texts, set everywhere"
    return CustomFieldType.SINGLE_LINE_TEXT, [], Sureness.GUESSED, why
