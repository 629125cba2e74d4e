"""Which tests are variants of one parametrised test, told by their names.

Variants end in ``[..]`` or ``(..)`` (behaviour.md 15.3) or in an outline example's number as
Cucumber and behave write it to JUnit (``Quantities - #1.1``, ``Quantities -- @1.1``). A bare
``#1`` is no variant: names end in issue numbers, too. Nor is a Go subtest (``TestX/one``): the
vendor names no such rule.
"""

import re

_PYTEST = re.compile(r"\w+(?=\[)")
_EXAMPLE = re.compile(r"(?<=\S)\s+(?:-- @\d+\.\d+(?: .*)?|(?:- )?(?:Examples? )?#\d+\.\d+)\Z")
_EXAMPLE_TAIL = 200
"""An example's number is looked for in the last characters only: the search stays linear."""
_MOST_BRACKETS = 3
"""Surefire writes two: ``quantity(int, int)[1]``."""
_OPENING = {"]": "[", ")": "("}


def split_variant(name: str) -> tuple[str, str]:
    """Split a test's name into its base and the variant's label, empty when it is none.

    ``test_quantity[3+5-8]`` is (``test_quantity``, ``[3+5-8]``); a name that is all brackets, and
    empty parentheses (``addItem()``, how Gradle writes a method), stay whole.
    """
    text = name.strip()
    if text.endswith("]") and (match := _PYTEST.match(text)):
        return match[0], text[match.end() :]  # the label may hold brackets that do not pair
    end = len(text)
    for _ in range(_MOST_BRACKETS):
        if text[end - 1 : end] not in _OPENING:
            break
        start = _opening(text, end)
        base = len(text[:start].rstrip())
        if base == 0 or text[start:end] == "()":
            break
        end = base
    if end == len(text) and ("#" in text or "@" in text):
        tail = max(0, end - _EXAMPLE_TAIL)
        if example := _EXAMPLE.search(text[tail:]):
            end = tail + example.start()
    return text[:end], text[end:].strip()


def _opening(text: str, end: int) -> int:
    """Return where the bracket that closes at ``end`` opens; 0 when it does not."""
    closing = text[end - 1]
    opening = _OPENING[closing]
    depth = 0
    for at in range(end - 1, -1, -1):
        if text[at] == closing:
            depth += 1
        elif text[at] == opening:
            depth -= 1
            if depth == 0:
                return at
    return 0
