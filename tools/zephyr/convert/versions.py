"""Which versions of test cases the archive has, and their ids."""

from contracts.ids import Kind
from tools.zephyr.convert.numbers import Numbers
from tools.zephyr.convert.shared import Shared
from tools.zephyr.convert.texts import version_of
from tools.zephyr.kinds import CASES, EXECUTIONS


class Versions:
    """Versions by the number of the case; made once for both parts of the archive."""

    def __init__(self, shared: Shared) -> None:
        self._ids: dict[int, dict[int, int]] = {}
        numbers = Numbers()
        details = shared.details(CASES.details)
        unread: set[int] = set()
        for number, row in shared.in_order(CASES.name, Kind.TEST_CASE):
            listed = details.of(row).get("versions")
            if not listed:
                unread.add(number)
                continue
            found = self._ids.setdefault(number, {})
            for version in listed:
                if version["content"] is not None or version is listed[-1]:
                    found[version["number"]] = numbers.take(version["id"])
        self._guess(shared, unread, numbers)

    def known(self, case: int) -> bool:
        """Whether there is such a case."""
        return case in self._ids

    def has(self, case: int, version: int) -> bool:
        """Whether the archive has this version."""
        return version in self._ids.get(case, {})

    def newest(self, case: int) -> int:
        """Return the number of the newest version."""
        return max(self._ids[case])

    def id(self, case: int, version: int) -> int:
        """Return the number in the id of a version."""
        return self._ids[case][version]

    def _guess(self, shared: Shared, unread: set[int], numbers: Numbers) -> None:
        """Where no versions were read, the newest is the newest that an execution tells of."""
        told: dict[int, tuple[int, object]] = dict.fromkeys(sorted(unread), (1, None))
        if unread:
            for row in shared.workdir.latest(EXECUTIONS.name):
                found = version_of(row.get("testCase"))
                case = found and shared.number(found[0], Kind.TEST_CASE)
                if found and case in told and found[1] >= told[case][0]:
                    told[case] = found[1], row["testCase"].get("id")
        for case, (version, ident) in told.items():
            self._ids[case] = {version: numbers.take(ident)}
