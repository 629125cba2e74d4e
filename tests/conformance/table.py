"""``docs/conformance.md``: what the walks provoke, from their own declarations."""

from collections.abc import Iterator

from tests.conformance.facts import AUTH, Operation, operations
from tests.conformance.walk import Walk
from tests.conformance.walks import WALKS

_HEAD = """\
# Conformance

<!-- rendered by tests/conformance: make docs -->

The operations of the vendor's API as `tests/conformance` walks through them, and the causes of
refusals that it provokes. Source of the list: `tests/data/openapi-facts.yaml`, which says at its
top what each cause means.

- Each operation is called once with every field and parameter that the facts know for it. The
  answer is validated against the schema there. What was sent is read back, over another operation
  where there is one, and compared field by field.
- Each cause is provoked once, over HTTP, against the four services; status and shape of the answer
  must be those that are listed, and its text must be about the cause. A cause that is added to the
  facts, or a case that they do not list, fails `tests/conformance/test_coverage.py`.
- 401 is listed on all {operations} operations, and provoked on each by its {auth} causes:
  {causes}.
  The body is the vendor's `{{"error": ...}}` everywhere.
- 500 is listed on all of them, too. What breaks a service, and what it answers then (503 with
  `Retry-After`), is the matter of `tests/faults`.
- *Others* are refusals that no cause stands for and `default` covers.

| | |
| --- | --- |
| operations | {operations} |
| listed causes, without those of 401 and 500 | {listed} |
| provoked | {provoked} |
| answered otherwise than listed | {otherwise} |
| causes of 401 | {unauthenticated} |
| others | {others} |
"""


def render() -> str:
    """Return the page."""
    tried = [(cause, one) for walk in WALKS.values() for cause, one in walk.causes.items()]
    listed = [(cause, one) for cause, one in tried if not cause.startswith("default ")]
    head = _HEAD.format(
        operations=len(operations()),
        auth=len(AUTH),
        causes=", ".join(f"`{cause.removeprefix('auth-')}`" for cause in AUTH),
        listed=sum(len(operation.causes) for operation in operations().values()),
        provoked=len(listed),
        otherwise=sum(one.answers is not None for _, one in listed),
        unauthenticated=len(AUTH) * len(WALKS),
        others=len(tried) - len(listed),
    )
    return "\n".join([head, *_sections(), *_deviations()])


def _sections() -> Iterator[str]:
    tags = dict.fromkeys(operation.tag for operation in operations().values())
    for tag in tags:
        yield f"## {tag}\n"
        yield "| operation | succeeds | listed causes | others |"
        yield "| --- | --- | --- | --- |"
        for operation in operations().values():
            if operation.tag == tag and operation.id in WALKS:
                yield _row(operation, WALKS[operation.id])
        yield ""


def _row(operation: Operation, walk: Walk) -> str:
    by_status: dict[int, list[str]] = {}
    for cause, status in operation.causes.items():
        by_status.setdefault(status, []).append(_named(cause, walk))
    listed = "<br>".join(
        f"{status} {', '.join(filter(None, causes))}".rstrip()
        for status, causes in sorted(by_status.items())
    )
    others = ", ".join(c.removeprefix("default ") for c in walk.causes if c.startswith("default "))
    path = f"`{operation.method} {operation.path}`"
    return f"| {path} | {operation.success} | {listed or 'none'} | {others} |"


def _named(cause: str, walk: Walk) -> str:
    if cause.isdigit():
        return ""
    answers = walk.causes[cause].answers
    return cause if answers is None else f"{cause} (answers {answers})"


def _deviations() -> Iterator[str]:
    """Say where Ostro answers otherwise than listed."""
    found: dict[tuple[str, int, str], list[str]] = {}
    for name, walk in WALKS.items():
        for cause, tried in walk.causes.items():
            if tried.answers is not None:
                key = (cause, tried.answers, tried.because)
                found.setdefault(key, []).append(operations()[name].id)
    yield "## Answered otherwise than listed\n"
    yield "| cause | listed | answers | why | operations |"
    yield "| --- | --- | --- | --- | --- |"
    for (cause, answers, because), names in found.items():
        listed = operations()[names[0]].causes[cause]
        yield f"| {cause} | {listed} | {answers} | {because} | {', '.join(names)} |"
    yield ""
