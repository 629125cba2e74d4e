"""Test case keys inside the names and tags of tests."""

import re
from collections.abc import Collection, Iterable

MAX_KEYS = 50
"""Most keys of one result."""

_EXPLICIT = re.compile(r"\A([A-Z][A-Z_0-9]+)[-_]T([0-9]+)\Z")


class KeyFinder:
    """Finds keys of the upload's project in names.

    ``ZT-T1`` and ``ZT_T1`` count, anywhere, in upper case; all digits belong to the number. A
    capital letter or digit before it makes it part of another word (``UTF_T8`` holds no key of
    project TF); an underscore or a small letter does not (``test_ZT_T1``, ``addItemZT_T1``).
    Keys of other projects are not looked for: too many words would look like one.
    """

    def __init__(self, project_keys: Collection[str]) -> None:
        longest_first = sorted(map(re.escape, project_keys), key=len, reverse=True)
        projects = "|".join(longest_first) or r"(?!)"
        self._pattern = re.compile(rf"(?<![A-Z0-9])({projects})[-_]T([0-9]+)")

    def find(self, name: str) -> tuple[str, ...]:
        """Return the keys in a name, in order, each once. Raises ``ValueError`` as ``unique``."""
        if "_T" not in name and "-T" not in name:
            return ()
        found = self._pattern.findall(name)
        if len(found) == 1:
            return (f"{found[0][0]}-T{found[0][1]}",)
        return unique(f"{project}-T{number}" for project, number in found)


def explicit(text: str) -> str:
    """Normalise a key that was given as one; what is none stays, for the refusal to name it."""
    text = text.strip()
    match = _EXPLICIT.match(text)
    return f"{match[1]}-T{match[2]}" if match else text[:255]


def unique(keys: Iterable[str]) -> tuple[str, ...]:
    """Drop repetitions. Raises ``ValueError`` above ``MAX_KEYS``."""
    found = tuple(dict.fromkeys(keys))
    if len(found) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} test case keys on one result")
    return found
