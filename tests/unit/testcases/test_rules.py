"""Rules of options, folders, labels and custom fields."""

import pytest

from contracts.ids import number_of, project_of, public_id
from contracts.testcases import (
    DEFAULT_OPTIONS,
    FIRST_CUSTOM_OPTION_NUMBER,
    OptionType,
    case_name,
)
from kit.clock import to_millis
from kit.errors import InvalidInput, NotFound
from kit.labels import check_labels
from services.testcases.domain.folders import Folder, FolderType, check_place
from services.testcases.domain.links import (
    MAX_LINKS,
    IssueLink,
    Link,
    LinkType,
    WebLink,
    check_new,
    link_id,
)
from services.testcases.domain.options import (
    STATUS_TYPES,
    Option,
    check_name_is_free,
    choose,
    defaults_of,
    may_be_default,
    next_index,
    noun,
)
from services.testcases.domain.scripts import InlineStep, empty_script
from services.testcases.domain.testcases import TestCase, key_of
from tests.harness.fakes import START

PROJECT = 9


def option(name: str, kind: OptionType = OptionType.PRIORITY, **fields: object) -> Option:
    values: dict[str, object] = {"id": 1, "project": PROJECT, "index": 0} | fields
    return Option(name=name, type=kind, **values)  # type: ignore[arg-type]  # a test's shorthand


def test_each_kind_of_default_has_exactly_one_default() -> None:
    options = defaults_of(PROJECT)
    for kind in (*STATUS_TYPES, OptionType.PRIORITY):
        own = [o for o in options if o.type is kind]
        assert sum(o.default for o in own) == 1
        assert [o.index for o in own] == list(range(len(own)))
    assert not [o for o in options if o.type is OptionType.ENVIRONMENT]


def test_ids_of_defaults_are_the_same_for_everybody_and_below_custom_ones() -> None:
    options = defaults_of(PROJECT)
    assert [o.id for o in options] == [d.id(PROJECT) for d in DEFAULT_OPTIONS]
    assert all(may_be_default(number_of(o.id)) for o in options)
    assert all(project_of(o.id) == PROJECT for o in options)
    assert not may_be_default(FIRST_CUSTOM_OPTION_NUMBER)
    assert not may_be_default(0)


@pytest.mark.parametrize("name", ["Pass", "PASS", " pass ", "pAsS"])
def test_names_match_in_any_case(name: str) -> None:
    found = choose(defaults_of(PROJECT), OptionType.TEST_EXECUTION, name)
    assert found.name == "Pass"


def test_the_default_is_taken_when_no_name_is_given() -> None:
    options = defaults_of(PROJECT)
    assert choose(options, OptionType.TEST_CASE, None).name == "Draft"
    assert choose(options, OptionType.PRIORITY, None).name == "Normal"
    with pytest.raises(NotFound, match="no default environment"):
        choose(options, OptionType.ENVIRONMENT, None)


def test_an_archived_option_cannot_be_taken() -> None:
    options = [option("Gone", archived=True, default=True)]
    with pytest.raises(NotFound):
        choose(options, OptionType.PRIORITY, "Gone")
    with pytest.raises(NotFound):
        choose(options, OptionType.PRIORITY, None)


def test_a_name_belongs_to_one_type() -> None:
    options = [option("Same", OptionType.TEST_PLAN)]
    with pytest.raises(NotFound, match="No status with the name 'Same'"):
        choose(options, OptionType.TEST_CASE, "Same")


def test_a_taken_name_and_the_next_place() -> None:
    siblings = [option("Straße", index=0), option("b", index=7)]
    with pytest.raises(InvalidInput, match="already used by another priority"):
        check_name_is_free(siblings, OptionType.PRIORITY, "STRASSE")
    check_name_is_free(siblings, OptionType.PRIORITY, "c")
    assert next_index(siblings) == 8
    assert next_index([]) == 0


def test_what_options_are_called() -> None:
    assert {noun(kind) for kind in STATUS_TYPES} == {"status"}
    assert noun(OptionType.PRIORITY) == "priority"
    assert noun(OptionType.ENVIRONMENT) == "environment"


def test_a_folder_takes_things_of_its_project_and_type() -> None:
    folder = Folder(5, PROJECT, FolderType.TEST_CASE, "f", 0)
    check_place(folder, PROJECT, FolderType.TEST_CASE)
    with pytest.raises(InvalidInput, match="not of type TEST_PLAN"):
        check_place(folder, PROJECT, FolderType.TEST_PLAN)
    with pytest.raises(InvalidInput, match="another project"):
        check_place(folder, PROJECT + 1, FolderType.TEST_CASE)


@pytest.mark.parametrize(
    "labels", [["x"] * 51, [""], ["  "], ["two words"], ["tab\tbed"], ["no\u00a0break"]]
)
def test_labels_that_are_refused(labels: list[str]) -> None:
    with pytest.raises(InvalidInput):
        check_labels(labels)


def test_labels_that_are_fine() -> None:
    check_labels([])
    check_labels(["x"] * 50)
    check_labels(["ünï", "a-b_c/d"])


def test_a_key_is_made_of_project_and_number() -> None:
    case = TestCase(
        id=public_id(PROJECT, 12),
        project=PROJECT,
        name="n",
        version=1,
        version_id=3,
        priority=1,
        status=2,
        created_on=to_millis(START),
        updated_on=to_millis(START),
    )
    assert key_of(case, "DEMO") == "DEMO-T12"


def test_a_new_script_is_one_empty_step() -> None:
    (step,) = empty_script(7).steps
    assert step.id == 7
    assert step.action == InlineStep()


def test_a_cut_name_stays_the_same_when_it_is_cut_again() -> None:
    long = "ü" * 400
    cut = case_name(long)
    assert len(cut) == 255
    assert case_name(cut) == cut
    assert case_name(long + "!") != cut


def test_ids_of_links_are_odd_and_count_on() -> None:
    ids = [link_id(PROJECT, count) for count in (1, 2, 3)]
    assert [number_of(i) for i in ids] == [1, 3, 5]
    assert {project_of(i) for i in ids} == {PROJECT}


@pytest.mark.parametrize(
    ("link", "other", "same"),
    [
        (IssueLink(1, 5), IssueLink(3, 5, LinkType.BLOCKS), True),
        (IssueLink(1, 5), IssueLink(1, 6), False),
        (IssueLink(1, 5), WebLink(1, "5"), False),
        (WebLink(1, "u", "d"), WebLink(3, "u", "d"), True),
        (WebLink(1, "u"), WebLink(3, "u"), True),
        (WebLink(1, "u", "d"), WebLink(3, "u"), False),
        (WebLink(1, "u", ""), WebLink(3, "u"), False),
        (WebLink(1, "u", "d"), WebLink(3, "v", "d"), False),
    ],
)
def test_which_links_are_the_same(link: Link, other: Link, same: bool) -> None:
    assert link.same(other) is other.same(link) is same
    if same:
        with pytest.raises(InvalidInput, match="already"):
            check_new([WebLink(9, "w"), other], link)
    else:
        check_new([other], link)


def test_a_case_has_so_many_links_and_no_more() -> None:
    links = [WebLink(n, f"u{n}") for n in range(MAX_LINKS)]
    check_new(links[1:], links[0])
    with pytest.raises(InvalidInput, match="1000"):
        check_new(links, WebLink(0, "new"))
    # that it is there already is the better news
    with pytest.raises(InvalidInput, match="already"):
        check_new(links, links[0])
