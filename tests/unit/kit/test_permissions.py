"""Entity by right by holder, enforced and not: what Access lets through."""

from itertools import product

import pytest

from contracts.ids import Kind, public_id
from contracts.permissions import (
    Entity,
    Grant,
    Holder,
    Membership,
    ProjectPermissions,
    Right,
    RoleMembership,
)
from contracts.tenancy import ProjectState
from kit.auth.principal import Principal, Scope
from kit.directory.access import Access
from kit.directory.permissions import Need, Scheme
from kit.errors import Forbidden, NotFound, Unavailable
from tests.harness.fakes import START
from tests.harness.grants import EVERY_ENTITY, EVERY_RIGHT, everything, to_role, to_user
from tests.unit.kit.directory import FixedDirectory

PERMISSIONS = list(product(EVERY_ENTITY, EVERY_RIGHT))
PROJECT = ProjectState(id=7, jira_project_id=10_007, key="DEMO", enabled=True, enforced=True)
OTHER = ProjectState(id=8, jira_project_id=10_008, key="OTHER", enabled=True)
ME = Membership(
    account_id="me",
    active=True,
    groups=("g1", "g2"),
    roles=(RoleMembership(project=7, roles=("10",)), RoleMembership(project=8, roles=("20",))),
    resolved_at=START,
)
MINE = {Holder.USER: "me", Holder.GROUP: "g2", Holder.ROLE: "10"}
NOT_MINE = {Holder.USER: "you", Holder.GROUP: "me", Holder.ROLE: "20"}
VIEW_CASES = Need.of((Entity.TEST_CASE, Right.VIEW))


@pytest.fixture
def directory() -> FixedDirectory:
    found = FixedDirectory()
    found.projects = {7: PROJECT, 8: OTHER}
    found.members = {"me": ME}
    return found


async def access(
    directory: FixedDirectory,
    need: Need,
    *grants: Grant,
    enforced: bool = True,
    account: str | None = "me",
    projects: frozenset[int] | None = None,
    scopes: frozenset[Scope] = frozenset(Scope),
) -> Access:
    state = ProjectPermissions(project=7, enforced=enforced, grants=grants)
    directory.permissions = {7: Scheme.of(state)}
    directory.projects[7] = PROJECT.model_copy(update={"enforced": enforced})
    principal = Principal("t1", account, "token", scopes, projects)
    return Access(principal, directory.view(directory.tenants["t1"]), directory, need)


async def allowed(found: Access) -> bool:
    try:
        await found.project("DEMO")
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("holder", list(Holder))
@pytest.mark.parametrize(("entity", "right"), PERMISSIONS)
async def test_a_grant_gives_this_right_on_this_entity_to_this_holder_alone(
    directory: FixedDirectory, entity: Entity, right: Right, holder: Holder
) -> None:
    mine = Grant(entity=entity, rights=(right,), holder=holder, id=MINE[holder])
    theirs = mine.model_copy(update={"id": NOT_MINE[holder]})
    for wanted in PERMISSIONS:
        need = Need.of(wanted)
        assert await allowed(await access(directory, need, mine)) is (wanted == (entity, right))
        assert not await allowed(await access(directory, need, theirs))
        assert await allowed(await access(directory, need, theirs, enforced=False))


async def test_what_is_not_enforced_and_a_token_without_an_account_cost_no_look_up(
    directory: FixedDirectory,
) -> None:
    assert await allowed(await access(directory, VIEW_CASES, enforced=False))
    assert await allowed(await access(directory, VIEW_CASES, account=None))
    assert directory.looked_up == []
    assert not await allowed(await access(directory, VIEW_CASES))
    assert directory.looked_up == [("me", None)]


async def test_no_scope_bypasses_a_scheme(directory: FixedDirectory) -> None:
    for scope in Scope:
        assert not await allowed(await access(directory, VIEW_CASES, scopes=frozenset({scope})))


async def test_who_is_not_active_holds_nothing(directory: FixedDirectory) -> None:
    directory.members["me"] = ME.model_copy(update={"active": False})
    for holder, ident in MINE.items():
        assert not await allowed(await access(directory, VIEW_CASES, *everything(holder, ident)))


async def test_all_clauses_of_a_need_and_one_permission_of_each(directory: FixedDirectory) -> None:
    run, make = (Entity.TEST_EXECUTION, Right.EXECUTE), (Entity.TEST_CYCLE, Right.CREATE)
    first, second = to_user("me", *run), to_user("me", *make)
    for grants, both, either in (((), 0, 0), ((first,), 0, 1), ((second,), 0, 1)):
        assert await allowed(await access(directory, Need.of(run, make), *grants)) is bool(both)
        assert await allowed(await access(directory, Need.any_of(run, make), *grants)) is bool(
            either
        )
    assert await allowed(await access(directory, Need.of(run, make), first, second))


async def test_every_way_to_a_project_decides(directory: FixedDirectory) -> None:
    shut = await access(directory, VIEW_CASES)
    for way in (
        shut.project("DEMO"),
        shut.sees(7),
        shut.chosen("DEMO"),
        shut.entity("DEMO-T1", Kind.TEST_CASE),
    ):
        with pytest.raises(Forbidden) as refused:
            await way
        assert refused.value.message == (
            "You do not have permission to view test cases in this project."
        )
    assert set(await shut.chosen(None)) == {8}
    assert set(await shut.among([PROJECT, OTHER])) == {8}
    opened = await access(directory, VIEW_CASES, to_user("me", Entity.TEST_CASE, Right.VIEW))
    assert set(await opened.chosen(None)) == {7, 8}
    await opened.require(OTHER, Entity.TEST_CASE, Right.DELETE)
    with pytest.raises(Forbidden):
        await opened.require(PROJECT, Entity.TEST_CASE, Right.DELETE)


async def test_a_token_that_is_not_good_for_a_project_gets_unknown_not_forbidden(
    directory: FixedDirectory,
) -> None:
    limited = await access(directory, VIEW_CASES, projects=frozenset({8}))
    with pytest.raises(NotFound):
        await limited.project("DEMO")
    assert await limited.sees(7) is None
    assert directory.looked_up == []


async def test_ids_that_can_be_of_no_project_are_asked_of_nobody(directory: FixedDirectory) -> None:
    found = await access(directory, VIEW_CASES)
    for ident in (0, 5, public_id(1, 1) - 2**33, 2**63 - 1):
        assert await found.sees(ident >> 33) is None


async def test_what_a_scheme_needs_of_roles_is_asked_for_before_it_is_denied(
    directory: FixedDirectory,
) -> None:
    grant = to_role("10", Entity.TEST_CASE, Right.VIEW)
    directory.members["me"] = ME.model_copy(update={"roles": ()})
    with pytest.raises(Unavailable):
        await allowed(await access(directory, VIEW_CASES, grant))
    assert directory.looked_up == [("me", None), ("me", 7)]
    # where another grant is enough, roles do not matter
    own = to_user("me", Entity.TEST_CASE, Right.VIEW)
    directory.looked_up.clear()
    assert await allowed(await access(directory, VIEW_CASES, grant, own))
    assert directory.looked_up == [("me", None)]


async def test_an_old_membership_lets_read_and_nothing_else(directory: FixedDirectory) -> None:
    directory.trusted = False
    for entity, right in PERMISSIONS:
        found = await access(directory, Need.of((entity, right)), to_user("me", entity, right))
        assert await allowed(found) is (right is Right.VIEW)
        # and to be denied is to be denied
        assert not await allowed(await access(directory, Need.of((entity, right))))
    entity, right = Entity.TEST_CASE, Right.EDIT
    found = await access(directory, Need.of((entity, right)), to_user("me", entity, right))
    with pytest.raises(Forbidden, match="cannot be verified"):
        await found.project("DEMO")
    # nothing is verified where nothing is enforced
    assert await allowed(await access(directory, Need.of((entity, right)), enforced=False))


async def test_nothing_known_is_unavailable(directory: FixedDirectory) -> None:
    directory.members.clear()
    with pytest.raises(Unavailable) as failure:
        await allowed(await access(directory, VIEW_CASES))
    assert failure.value.headers["Retry-After"]


async def test_an_enforced_project_whose_scheme_is_not_there_yet_is_shut(
    directory: FixedDirectory,
) -> None:
    principal = Principal("t1", "me", "token", frozenset(Scope), None)
    directory.permissions = {}
    view = directory.view(directory.tenants["t1"])
    found = Access(principal, view, directory, VIEW_CASES)
    for way in (found.project("DEMO"), found.chosen(None)):
        with pytest.raises(Unavailable):
            await way
    # the directory may have it by now
    grant = to_user("me", Entity.TEST_CASE, Right.VIEW)
    directory.permissions = {
        7: Scheme.of(ProjectPermissions(project=7, enforced=True, grants=(grant,)))
    }
    assert await found.project("DEMO") == PROJECT


async def test_a_scheme_from_before_it_was_enforced_opens_nothing(
    directory: FixedDirectory,
) -> None:
    # the project's own state came first, so the view holds the scheme that it replaced
    former = Scheme.of(ProjectPermissions(project=7, enforced=False))
    directory.permissions = {7: former}
    view = directory.view(directory.tenants["t1"])
    assert PROJECT.enforced
    assert not view.complete
    principal = Principal("t1", "me", "token", frozenset(Scope), None)
    for way in (
        Access(principal, view, directory, VIEW_CASES).project("DEMO"),
        Access(principal, view, directory, VIEW_CASES).chosen(None),
    ):
        with pytest.raises(Unavailable):
            await way


async def test_a_right_that_nobody_forbids_was_not_given(directory: FixedDirectory) -> None:
    edit = Need.of((Entity.CONFIGURATION, Right.EDIT))
    grant = to_user("me", Entity.CONFIGURATION, Right.EDIT)

    async def given(found: Access) -> bool:
        return await found.was_given(found.view.permissions[7])

    assert await given(await access(directory, edit, grant))
    assert not await given(await access(directory, edit))
    assert not await given(await access(directory, edit, grant, enforced=False))
    assert not await given(await access(directory, edit, grant, account=None))
