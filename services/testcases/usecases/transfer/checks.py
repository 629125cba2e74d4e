"""What must be right in the archive of a library before any of it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.customfields import CHOICES, MAX_FIELDS, MAX_OPTIONS, option_key
from contracts.ids import EntityKey, Kind, number_of, parse_key
from contracts.testcases import DEFAULT_OPTIONS, FIRST_CUSTOM_OPTION_NUMBER, OptionType
from contracts.transfer import (
    CustomFieldRow,
    FolderRow,
    FolderType,
    Manifest,
    OptionRow,
    TestCaseRow,
)
from kit.errors import InvalidInput
from kit.labels import check_labels
from kit.transfer.checks import Links, check_project
from kit.transfer.numbers import Numbers
from kit.transfer.references import Dangling, Outside, Reference
from services.testcases.domain.options import name_key
from services.testcases.domain.scripts import check_size
from services.testcases.usecases.transfer.forms import Renumbered

_MAX_OPTIONS = 5_000
_MAX_FOLDERS = 1_000_000
_ODD = 1
_CALL = "script.steps.testCase"


@dataclass
class LibraryCheck:
    """Takes the members in the order of its methods; ``forms`` learns names on the way.

    Every method raises ``InvalidInput``.
    """

    manifest: Manifest
    forms: Renumbered
    cases: Numbers = field(default_factory=Numbers)
    versions: Numbers = field(default_factory=Numbers)
    steps: Numbers = field(default_factory=Numbers)
    options: list[OptionRow] = field(default_factory=list)
    fields: list[CustomFieldRow] = field(default_factory=list)
    outside: Outside = field(default_factory=Outside)
    """Calls of cases of other projects."""
    left_out: dict[str, int] = field(default_factory=lambda: {"issueLinks": 0, "components": 0})
    _folders: dict[int, tuple[FolderType, int | None]] = field(default_factory=dict)
    _newest: dict[int, int] = field(default_factory=dict)
    _calls: dict[int, list[int]] = field(default_factory=dict)
    _old_calls: dict[int, Reference] = field(default_factory=dict)
    """Of older versions: the first call of each case, by number."""
    _old_steps: Numbers = field(default_factory=Numbers)
    _steps_before: tuple[int, set[int]] = (0, set())
    """A case, and the steps that its older versions had so far: they come case by case."""
    _links: Links = field(init=False)

    def __post_init__(self) -> None:
        self._links = Links(self.manifest, 2)

    @property
    def links(self) -> Numbers:
        """Numbers of links."""
        return self._links.numbers

    @property
    def folders(self) -> int:
        """The highest number of a folder."""
        return number_of(max(self._folders, default=0))

    def take_options(self, rows: Sequence[OptionRow]) -> None:
        """Take options."""
        for row in rows:
            number = number_of(row.id)
            if number < FIRST_CUSTOM_OPTION_NUMBER and (
                number > len(DEFAULT_OPTIONS) or DEFAULT_OPTIONS[number - 1].type is not row.type
            ):
                raise InvalidInput(f"option {row.id}: its number is reserved for another option.")
            key = (row.type, name_key(row.name))
            if key in self.forms.options:
                raise InvalidInput(f"option {row.id}: its name is used by another {row.type}.")
            if row.default and (row.archived or self._has_default(row.type)):
                raise InvalidInput(f"option {row.id}: it cannot be a default.")
            self.forms.options[key] = self.forms.id(row.id)
            self.options.append(row)
            if len(self.options) > _MAX_OPTIONS:
                raise InvalidInput(f"The archive has more than {_MAX_OPTIONS} options.")

    def take_fields(self, rows: Sequence[CustomFieldRow]) -> None:
        """Take custom fields."""
        for row in rows:
            siblings = self.forms.fields.setdefault(row.entity, [])
            if any(option_key(f.name) == option_key(row.name) for f in siblings):
                raise InvalidInput(f"custom field {row.id}: its name is used by another one.")
            if len(siblings) >= MAX_FIELDS:
                raise InvalidInput(f"{row.entity} has more than {MAX_FIELDS} custom fields.")
            _check_field_options(row)
            siblings.append(self.forms.field(row))
            self.fields.append(row)

    def take_folders(self, rows: Sequence[FolderRow]) -> None:
        """Take folders."""
        for row in rows:
            self._folders[row.id] = (row.folder_type, row.parent_id)
        if len(self._folders) > _MAX_FOLDERS:
            raise InvalidInput(f"The archive has more than {_MAX_FOLDERS} folders.")

    def check_folders(self) -> None:
        """Check the tree once all folders are there."""
        sound: set[int] = set()
        for ident in self._folders:
            path: list[int] = []
            place: int | None = ident
            while place is not None and place not in sound:
                if place in path[-1:] or len(path) > len(self._folders):
                    raise InvalidInput(f"folder {ident}: it lies in itself.")
                path.append(place)
                kind, parent = self._folders[place]
                if parent is not None and self._folders.get(parent, (None,))[0] is not kind:
                    raise InvalidInput(
                        f"folder {place}: folder {parent}, in which it lies, is not there or of "
                        "another type."
                    )
                place = parent
            sound.update(path)

    def take_cases(self, rows: Sequence[TestCaseRow]) -> None:
        """Take the newest versions of test cases."""
        for row in rows:
            where = f"test case {row.key}"
            self._check_case(row, where)
            number = number_of(row.id)
            self.cases.add(number)
            for step in row.script.steps:
                self.steps.add(number_of(step.id))
            if row.version > 1:
                self._newest[row.id] = row.version
            self._links.check(row.links, _ODD, where)
            if not self.forms.keep_jira:
                self.left_out["issueLinks"] += sum(li.issue_id is not None for li in row.links)
                self.left_out["components"] += row.component_id is not None
            called = self._called(row)
            if called:
                self._calls[number] = called

    def take_versions(self, rows: Sequence[TestCaseRow]) -> None:
        """Take older versions."""
        for row in rows:
            where = f"test case {row.key}, version {row.version}"
            if row.version >= self._newest.get(row.id, 0):
                raise InvalidInput(f"{where}: it is not older than the newest version.")
            if row.links or row.archived is not None:
                raise InvalidInput(f"{where}: links and archive belong to the newest version.")
            self._check_case(row, where, old=True)
            self._take_old_steps(row)
            for called in self._called(row):
                self._old_calls.setdefault(called, _call(row, self._key(called), old=True))

    def finish(self) -> None:
        """Check what refers from one case to another."""
        self.versions.check_unique("version")
        self.steps.check_unique("step")
        self._old_steps.check_unique("step")
        self.links.check_unique("link")
        self._check_called()
        self._check_circles()

    def _check_called(self) -> None:
        """Every case of this project that is called must be there."""
        missing = Dangling()
        for caller, numbers in self._calls.items():
            for called in (n for n in numbers if n not in self.cases):
                missing.add(Reference("test case", self._key(caller), _CALL, self._key(called)))
        for called, reference in self._old_calls.items():
            if called not in self.cases:
                missing.add(reference)
        missing.refuse("The archive refers to what it does not hold")

    def _key(self, number: int) -> str:
        return str(EntityKey(self.manifest.project.key, Kind.TEST_CASE, number))

    def _take_old_steps(self, row: TestCaseRow) -> None:
        """Take the steps of an older version; a step is in every version since it was made."""
        if self._steps_before[0] != row.id:
            self._steps_before = row.id, set()
        seen: set[int] = set()
        for number in (number_of(step.id) for step in row.script.steps):
            if number in seen:
                raise InvalidInput(f"The archive has step {number} twice.")
            seen.add(number)
        before = self._steps_before[1]
        for number in seen - before:
            self._old_steps.add(number)
        before |= seen

    @property
    def last_step(self) -> int:
        """The highest number of a step, of older versions too."""
        return max(self.steps.last, self._old_steps.last)

    def _has_default(self, kind: OptionType) -> bool:
        return any(o.default and o.type is kind for o in self.options)

    def _check_case(self, row: TestCaseRow, where: str, *, old: bool = False) -> None:
        check_project(self.manifest, row.version_id, where)
        self.versions.add(number_of(row.version_id))
        if row.folder_id is not None:
            kind, _ = self._folders.get(row.folder_id, (None, None))
            if kind is not FolderType.TEST_CASE:
                raise InvalidInput(
                    f"{where}: folder {row.folder_id} is not there, or none of test cases."
                )
        check_labels(row.labels)
        for step in row.script.steps:
            check_project(self.manifest, step.id, where)
        # whoever is called from elsewhere is looked for when all keys are known
        for key in {s.test_case.test_case_key for s in row.script.steps if s.test_case}:
            if key in self.outside or self.forms.called(key) is None:
                self.outside.add(_call(row, key, old=old))
                self.forms.calls[key] = (0, key)
        check_size(self.forms.case(row, where).script)

    def _called(self, row: TestCaseRow) -> list[int]:
        keys = [s.test_case.test_case_key for s in row.script.steps if s.test_case is not None]
        parsed = [parse_key(key, Kind.TEST_CASE) for key in dict.fromkeys(keys)]
        project = self.manifest.project.key
        return [k.number for k in parsed if k is not None and k.project_key == project]

    def _check_circles(self) -> None:
        """No case may call itself, by way of others neither."""
        done: set[int] = set()
        for start in self._calls:
            path: list[int] = []
            inside: set[int] = set()
            waiting = [(start, 0)]
            while waiting:
                case, depth = waiting.pop()
                while len(path) > depth:
                    left = path.pop()
                    inside.discard(left)
                    done.add(left)
                if case in inside:
                    raise InvalidInput(f"Test case number {case} calls itself.")
                if case in done:
                    continue
                path.append(case)
                inside.add(case)
                waiting += [(called, depth + 1) for called in self._calls.get(case, ())]
            done.update(path)


def _call(row: TestCaseRow, called: str, *, old: bool) -> Reference:
    version = f"version {row.version}: " if old else ""
    return Reference("test case", row.key, f"{version}{_CALL}", called)


def _check_field_options(row: CustomFieldRow) -> None:
    where = f"custom field {row.id}"
    if row.type not in CHOICES:
        if row.options:
            raise InvalidInput(f"{where}: options belong to select lists alone.")
        return
    if not 1 <= len(row.options) <= MAX_OPTIONS:
        raise InvalidInput(f"{where}: it must have 1 to {MAX_OPTIONS} options.")
    names = {option_key(o.name) for o in row.options}
    if len(names) != len(row.options) or len({o.id for o in row.options}) != len(row.options):
        raise InvalidInput(f"{where}: it has an option twice.")
