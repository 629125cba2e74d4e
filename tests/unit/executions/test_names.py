"""Keys in names; variants told by names."""

import pytest

from services.executions.domain.formats.keys import MAX_KEYS, KeyFinder, explicit, unique
from services.executions.domain.formats.variants import split_variant


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("test_x_ZT_T1[3+5-8]", ("ZT-T1",)),
        ("TestX_ZT_T1/one", ("ZT-T1",)),
        ("ZT-T1 adds", ("ZT-T1",)),
        ("Cart applies - ZT-T1", ("ZT-T1",)),
        ("_ZT_T1", ("ZT-T1",)),
        ("ZT_T9004_quantity(int, int)[1]", ("ZT-T9004",)),
        ("addItemZT_T12", ("ZT-T12",)),
        ("ZT-T12345678901 all digits", ("ZT-T12345678901",)),
        ("ZT-T2 and ZT_T1, again ZT-T2", ("ZT-T2", "ZT-T1")),
        ("OLD-T5 under the former key", ("OLD-T5",)),
        ("MY_KEY-T3", ("MY_KEY-T3",)),
        ("UZT_T8 is another word", ()),
        ("9ZT-T8", ()),
        ("zt-t1 in small letters", ()),
        ("ZT-T without a number", ()),
        ("ZT-R1 is a cycle", ()),
        ("AB-T1 of another project", ()),
        ("[T9001] without a project", ()),
        ("ZT-T\u0661 with another script's digit", ()),
    ],
)
def test_keys_in_names(name: str, keys: tuple[str, ...]) -> None:
    """Keys of the upload's project and its aliases are found, and nothing else."""
    assert KeyFinder(("ZT", "OLD", "MY_KEY")).find(name) == keys


def test_no_project_no_keys() -> None:
    """Without project keys nothing is found."""
    assert KeyFinder(()).find("ZT-T1") == ()


def test_explicit_keys() -> None:
    """Tags name keys of any project; what is no key is kept for the refusal."""
    assert explicit(" AB_T7 ") == "AB-T7"
    assert explicit("AB-T7") == "AB-T7"
    assert explicit("no key") == "no key"


def test_too_many_keys() -> None:
    """A result with keys without end is refused."""
    assert len(unique(f"ZT-T{n}" for n in range(MAX_KEYS))) == MAX_KEYS
    with pytest.raises(ValueError, match="more than 50 test case keys"):
        unique(f"ZT-T{n}" for n in range(MAX_KEYS + 1))


@pytest.mark.parametrize(
    ("name", "base", "variant"),
    [
        ("test_x[3+5-8]", "test_x", "[3+5-8]"),
        ("test_x[a[0]-b]", "test_x", "[a[0]-b]"),
        ("test_x[a]b]", "test_x", "[a]b]"),
        ("test_x[[]", "test_x", "[[]"),
        ("quantity(int, int)[1]", "quantity", "(int, int)[1]"),
        ("Login(admin)", "Login", "(admin)"),
        ("adds 1 to 2 (fast) [chromium]", "adds 1 to 2", "(fast) [chromium]"),
        ("Quantities -- @1.1 ", "Quantities", "-- @1.1"),
        ("Quantities -- @1.12 big ones", "Quantities", "-- @1.12 big ones"),
        ("Quantities - #1.1", "Quantities", "- #1.1"),
        ("Quantities - Example #1.1", "Quantities", "- Example #1.1"),
        ("addItem()", "addItem()", ""),
        ("[T9001] adds an item", "[T9001] adds an item", ""),
        ("[1] 3, 5", "[1] 3, 5", ""),
        ("[chromium]", "[chromium]", ""),
        ("fixes issue #12", "fixes issue #12", ""),
        ("TestX_ZT_T1/one", "TestX_ZT_T1/one", ""),
        ("f(x) is even", "f(x) is even", ""),
        ("closes ]", "closes ]", ""),
        ("", "", ""),
    ],
)
def test_variants(name: str, base: str, variant: str) -> None:
    """A variant is told by what the documentation and the real files show, not by guesswork."""
    assert split_variant(name) == (base, variant)


def test_long_names_cost_little() -> None:
    """Names made to make the search slow do not."""
    for name in ("(a)" * 300_000, " " * 900_000 + "#", "x" + "[(" * 300_000 + "]", ")" * 900_000):
        split_variant(name)
