"""Result files of any size."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

_STACK = "\n".join(f"  at shop.Checkout.step{i}(Checkout.java:{40 + i})" for i in range(12))


_PER_SUITE = 100
"""The same whatever the size, so that a small file names cases of a large one."""


def junit(path: Path, cases: int) -> Path:
    """Write a JUnit file: every tenth case fails with a stack, every twentieth is skipped."""
    with path.open("w") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        for number in range(cases):
            if number % _PER_SUITE == 0:
                out.write("" if number == 0 else "</testsuite>\n")
                out.write(f'<testsuite name="shop.Suite{number // _PER_SUITE}">\n')
            out.write(_case(number, number // _PER_SUITE))
        out.write("</testsuite>\n</testsuites>\n")
    return path


def _case(number: int, suite: int) -> str:
    head = (
        f'<testcase classname="shop.checkout.Suite{suite}" '
        f'name="test_checkout_with_voucher_{number}" time="{(number % 900) / 1000:.3f}"'
    )
    if number % 10 == 0:
        text = escape(f"AssertionError: expected 200 but got {500 + number % 5}\n{_STACK}")
        return f'{head}><failure message="expected 200">{text}</failure></testcase>\n'
    return f"{head}><skipped/></testcase>\n" if number % 20 == 5 else f"{head}/>\n"


def zipped(path: Path) -> Path:
    """Return the file as a zip beside it."""
    target = path.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    return target
