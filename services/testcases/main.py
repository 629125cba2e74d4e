"""Composition root: which adapter stands behind which port."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, FastAPI

from kit.attachments import wiring as attachment_wiring
from kit.auth.api_tokens import ApiTokens
from kit.counters import Counters
from kit.directory import copy as directory_copy
from kit.directory.catch_up import until_trusted
from kit.directory.copy import DirectoryCopy
from kit.http.app import internal_app, public_app
from kit.jobs import wiring as job_wiring
from kit.service import Background, Group, Parts, Role, Runtime
from services.testcases.adapters import states
from services.testcases.adapters.executions import ExecutionsUsage
from services.testcases.adapters.issues import TenancyIssues
from services.testcases.adapters.mongo import caseversions as version_rows
from services.testcases.adapters.mongo import customfields as field_rows
from services.testcases.adapters.mongo import folders as folder_rows
from services.testcases.adapters.mongo import links as link_rows
from services.testcases.adapters.mongo import options as option_rows
from services.testcases.adapters.mongo import provisional as provisional_rows
from services.testcases.adapters.mongo import scripts as script_rows
from services.testcases.adapters.mongo import search as search_rows
from services.testcases.adapters.mongo import testcases as case_rows
from services.testcases.adapters.mongo.customvalues import LibraryValues
from services.testcases.adapters.mongo.missingwords import MissingWords
from services.testcases.adapters.mongo.numbers import CounterNumbers
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.steps import StepRows
from services.testcases.api.attachmentremoval import AttachmentRemovalRoutes
from services.testcases.api.attachments import AttachmentRoutes
from services.testcases.api.automations import FeatureRoutes
from services.testcases.api.bulk import BulkRoutes
from services.testcases.api.caseversions import CaseVersionRoutes
from services.testcases.api.customfields import CustomFieldRoutes
from services.testcases.api.folders import FolderRoutes
from services.testcases.api.internal import InternalRoutes
from services.testcases.api.internalcases import InternalCaseRoutes
from services.testcases.api.issuelinks import IssueLinkRoutes
from services.testcases.api.links import LinkRoutes
from services.testcases.api.optionadmin import OptionAdminRoutes
from services.testcases.api.options import OptionRoutes
from services.testcases.api.search import SearchRoutes
from services.testcases.api.testcases import TestCaseRoutes
from services.testcases.api.testcaseupdate import TestCaseUpdateRoutes
from services.testcases.api.testscript import TestScriptRoutes
from services.testcases.api.teststeps import TestStepRoutes
from services.testcases.composition import counting
from services.testcases.composition.removals import removals
from services.testcases.composition.transfer import transfer_router
from services.testcases.consumers.directory import DirectoryConsumer
from services.testcases.consumers.jira_changes import JiraChangesConsumer
from services.testcases.consumers.uploads import UploadsConsumer
from services.testcases.settings import TestcasesSettings
from services.testcases.usecases.attachments import AttachableCases
from services.testcases.usecases.bulkcases import BulkCases
from services.testcases.usecases.calls import Calls
from services.testcases.usecases.caseversions import CaseVersions
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.defaults import DefaultOptions
from services.testcases.usecases.features import Features
from services.testcases.usecases.folders import Folders
from services.testcases.usecases.links import IssueLinks, Links
from services.testcases.usecases.optionadmin import OptionAdmin
from services.testcases.usecases.options import Options
from services.testcases.usecases.provisional import ProvisionalCases
from services.testcases.usecases.runs import RunCases
from services.testcases.usecases.scripts import Scripts
from services.testcases.usecases.search import SearchCases
from services.testcases.usecases.testcases import TestCases
from services.testcases.usecases.testcaseupdates import TestCaseUpdates
from services.testcases.usecases.uploads import Uploads

SERVICE = "testcases"
INDEXES = {
    **directory_copy.INDEXES,
    **option_rows.INDEXES,
    **field_rows.INDEXES,
    **folder_rows.INDEXES,
    **case_rows.INDEXES,
    **provisional_rows.INDEXES,
    **script_rows.INDEXES,
    **link_rows.INDEXES,
    **attachment_wiring.INDEXES,
    **job_wiring.INDEXES,
    **counting.INDEXES,
}

# a thousand names of any length
_INTERNAL_BODY_BYTES = 16 * 1024 * 1024


async def build(runtime: Runtime[TestcasesSettings]) -> Parts:
    """Wire the service."""
    database, settings, clock = runtime.database, runtime.settings, runtime.clock
    pending = Pending(clock, runtime.ids)
    counters = Counters(database["counters"])
    numbers = CounterNumbers(counters)
    option_store = option_rows.OptionRepository(database, pending)
    counted = counting.counting(runtime)
    provisional = provisional_rows.ProvisionalRepository(database, pending, counted.cases)
    case_store = case_rows.TestCaseRepository(database, pending, counted.cases)
    defaults = DefaultOptions(option_store, numbers)
    options = Options(option_store, defaults, numbers)
    elsewhere = ExecutionsUsage(runtime.peers["executions"])
    option_admin = OptionAdmin(option_store, defaults, elsewhere, clock)
    field_store = field_rows.CustomFieldRepository(database, pending)
    fields = CustomFields(field_store, LibraryValues(database), elsewhere, numbers)
    folder_store = folder_rows.FolderRepository(database, pending, counted.folders)
    folders = Folders(folder_store, numbers)
    cases = TestCases(case_store, folders, options, fields, numbers, clock)
    updates = TestCaseUpdates(case_store, folders, options, fields, clock)
    script_store = script_rows.ScriptRepository(database, pending)
    scripts = Scripts(cases, script_store, fields, numbers)
    links, issue_links = _links(runtime, pending, cases, numbers)
    attached = attachment_wiring.wired(runtime, counters)
    attachable = AttachableCases(cases, case_store, StepRows(database))
    uploads = Uploads(provisional)
    by_name = ProvisionalCases(case_store, provisional, options, uploads, numbers, clock)
    directory = DirectoryCopy(database, runtime.peers["tenancy"], clock)
    base = settings.api_base
    removal_routes, jobs = removals(runtime, pending, counted, folders)
    routers = [
        *_case_routers(cases, updates, fields, scripts, Features(script_store), base),
        _search_router(runtime, folders, options, fields),
        *(kind(links, base).router() for kind in (LinkRoutes, IssueLinkRoutes)),
        *_configuration_routers(folders, options, option_admin, fields, base),
        removal_routes,
        _versions_router(runtime, pending, cases, numbers),
        transfer_router(runtime, pending, counted, options, defaults, numbers, attached),
        *AttachmentRemovalRoutes(attached.attachments, attachable).routers(),
        *AttachmentRoutes(attached.attachments, attachable).routers(),
    ]
    internal_routes = [
        InternalRoutes(directory, options, fields, folders, by_name, uploads).router(),
        InternalCaseRoutes(directory, RunCases(case_store, Calls(script_store)), fields).router(),
    ]
    return Parts(
        public=_public(runtime, routers, directory),
        internal=_internal(runtime, internal_routes),
        groups=_groups(runtime, defaults, issue_links, uploads),
        outboxes=states.sources(runtime.names),
        background=[
            until_trusted(runtime, directory),
            Background(Role.RELAY, MissingWords(database).run),
            attached.background,
            jobs,
            *counted.background,
        ],
        nudges=pending.nudged_by,
        closers=[attached.attachments.close, *counted.closers],
    )


def _configuration_routers(
    folders: Folders, options: Options, admin: OptionAdmin, fields: CustomFields, base: str
) -> Sequence[APIRouter]:
    return (
        FolderRoutes(folders, base).router(),
        OptionRoutes(options, base).router(),
        OptionAdminRoutes(admin).router(),
        CustomFieldRoutes(fields).router(),
    )


def _public(
    runtime: Runtime[TestcasesSettings], routers: Sequence[APIRouter], directory: DirectoryCopy
) -> FastAPI:
    tokens = ApiTokens(directory, runtime.settings.cell, runtime.clock)
    app = public_app(SERVICE, routers, tokens)
    app.state.max_body_bytes = runtime.settings.max_body_bytes
    return app


def _internal(runtime: Runtime[TestcasesSettings], routers: Sequence[APIRouter]) -> FastAPI:
    app = internal_app(SERVICE, routers, runtime.tokens, runtime.health)
    app.state.max_body_bytes = _INTERNAL_BODY_BYTES
    return app


def _versions_router(
    runtime: Runtime[TestcasesSettings], pending: Pending, cases: TestCases, numbers: CounterNumbers
) -> APIRouter:
    rows = version_rows.CaseVersionRows(runtime.database, pending)
    return CaseVersionRoutes(CaseVersions(cases, rows, numbers), runtime.settings.api_base).router()


def _search_router(
    runtime: Runtime[TestcasesSettings], folders: Folders, options: Options, fields: CustomFields
) -> APIRouter:
    settings = runtime.settings
    rows = search_rows.SearchRepository(runtime.database, settings.search_seconds)
    search = SearchCases(rows, folders, options, fields, runtime.flags)
    return SearchRoutes(search, fields, settings.api_base).router()


def _groups(
    runtime: Runtime[TestcasesSettings],
    defaults: DefaultOptions,
    links: IssueLinks,
    uploads: Uploads,
) -> Mapping[str, Group]:
    projection = DirectoryConsumer(directory_copy.projection(runtime.database), defaults)
    return {
        "testcases.directory": Group(projection.handle),
        "testcases.jira-changes": Group(JiraChangesConsumer(links).handle),
        "testcases.uploads": Group(UploadsConsumer(uploads).handle),
    }


def _case_routers(
    cases: TestCases,
    updates: TestCaseUpdates,
    fields: CustomFields,
    scripts: Scripts,
    features: Features,
    base: str,
) -> Sequence[APIRouter]:
    return (
        TestCaseRoutes(cases, fields, base).router(),
        TestCaseUpdateRoutes(updates).router(),
        BulkRoutes(BulkCases(cases, updates), base).router(),
        TestScriptRoutes(scripts, base).router(),
        TestStepRoutes(scripts, base).router(),
        FeatureRoutes(features).router(),
    )


def _links(
    runtime: Runtime[TestcasesSettings], pending: Pending, cases: TestCases, numbers: CounterNumbers
) -> tuple[Links, IssueLinks]:
    store = link_rows.LinkRepository(runtime.database, pending)
    deleted = link_rows.DeletedIssueRows(runtime.database, pending)
    issues = TenancyIssues(runtime.peers["tenancy"])
    return Links(cases, store, deleted, issues, numbers), IssueLinks(store, deleted)
