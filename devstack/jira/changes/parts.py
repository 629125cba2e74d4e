"""Parts of a project: versions and components."""

from typing import Any

from devstack.jira.changes import bodies, projects
from devstack.jira.changes.happening import Happening
from devstack.jira.content import Component, Version
from devstack.jira.model import Site
from devstack.jira.world import World


def _told_version(
    world: World,
    site: Site,
    event: str,
    version: Version,
    actor: str | None,
    merged: Version | None = None,
) -> None:
    body: dict[str, Any] = {"version": bodies.version(site, version)}
    if merged is not None:
        body["mergedTo"] = bodies.version(site, merged)
    variables = projects.variables(site.projects[version.project_id])
    variables["version.id"] = str(version.id)
    world.publish(site, Happening(event, body, actor, variables=variables))


def put_version(world: World, site: Site, version: Version, actor: str | None) -> None:
    """A changed release state has its own event, beside the update where more has changed."""
    known = site.versions.get(version.id)
    site.versions[version.id] = version
    if known is None:
        _told_version(world, site, "jira:version_created", version, actor)
        return
    rest = {"released", "release_date"}
    if known.model_dump(exclude=rest) != version.model_dump(exclude=rest):
        _told_version(world, site, "jira:version_updated", version, actor)
    if known.released != version.released:
        event = "jira:version_released" if version.released else "jira:version_unreleased"
        _told_version(world, site, event, version, actor)


def move_version(world: World, site: Site, version: Version, actor: str | None) -> None:
    """Another place in the project's list; nothing else of it changes."""
    _told_version(world, site, "jira:version_moved", version, actor)


def delete_version(
    world: World, site: Site, version: Version, actor: str | None, merged: Version | None = None
) -> None:
    """With `merged` the issues go over to that version (facts.md 5.2)."""
    del site.versions[version.id]
    _told_version(world, site, "jira:version_deleted", version, actor, merged)


def _told_component(
    world: World, site: Site, event: str, component: Component, actor: str | None
) -> None:
    body = {"component": bodies.component(site, component)}
    variables = projects.variables(site.projects[component.project_id])
    world.publish(site, Happening(event, body, actor, variables=variables))


def put_component(world: World, site: Site, component: Component, actor: str | None) -> None:
    event = "component_updated" if component.id in site.components else "component_created"
    site.components[component.id] = component
    _told_component(world, site, event, component, actor)


def delete_component(world: World, site: Site, component: Component, actor: str | None) -> None:
    del site.components[component.id]
    _told_component(world, site, "component_deleted", component, actor)
