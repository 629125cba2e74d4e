"""What a site holds for people: users, groups, projects and what is in them, grants."""

from typing import Literal

from pydantic import BaseModel, Field

AccountType = Literal["atlassian", "app", "customer"]
ProjectStatus = Literal["live", "archived", "deleted"]


class User(BaseModel):
    """`groups` are names; the site gives each name an id when it first needs one."""

    account_id: str
    display_name: str
    email: str
    email_visible: bool = True
    account_type: AccountType = "atlassian"
    active: bool = True
    time_zone: str = "Europe/Madrid"
    groups: list[str] = Field(default_factory=list)


class Group(BaseModel):
    id: str
    name: str


class Role(BaseModel):
    id: int
    name: str


class RoleActor(BaseModel):
    """An account or a group in a role of one project."""

    project_id: int
    role_id: int
    account_id: str | None = None
    group_id: str | None = None


class Project(BaseModel):
    id: int
    key: str
    name: str
    lead_account_id: str | None = None
    former_keys: list[str] = Field(default_factory=list)
    visible_to_apps: bool = True
    public: bool = False
    status: ProjectStatus = "live"
    """`deleted` is in the bin and can come back; a purged project is no longer here."""


class Issue(BaseModel):
    id: int
    key: str
    project_id: int
    summary: str
    description: str = ""
    labels: list[str] = Field(default_factory=list)
    issue_type: str = "Story"
    status: str = "To Do"
    priority: str = "Medium"
    reporter: str | None = None
    assignee: str | None = None
    created: str
    updated: str
    former_keys: list[str] = Field(default_factory=list)
    hidden: bool = False


class Version(BaseModel):
    id: int
    project_id: int
    name: str
    description: str = ""
    released: bool = False
    archived: bool = False
    release_date: str | None = None


class Component(BaseModel):
    id: int
    project_id: int
    name: str
    description: str = ""
    lead_account_id: str | None = None


class IssueLink(BaseModel):
    """From one issue to another; `type` is the name of the link type."""

    id: int
    source_id: int
    destination_id: int
    type: str = "Relates"


class Grant(BaseModel):
    """A permission for a group or an account; without a project it counts in every project."""

    permission: str
    group: str | None = None
    account_id: str | None = None
    project_id: int | None = None
