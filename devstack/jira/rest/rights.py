"""What an account may do by the site's grants."""

from devstack.jira.model import Site


def granted(site: Site, account_id: str, permission: str, project_id: int | None) -> bool:
    """False for an account that is unknown or no longer active."""
    user = site.users.get(account_id)
    if user is None or not user.active:
        return False
    return any(
        grant.permission == permission
        and (grant.group in user.groups or grant.account_id == account_id)
        and grant.project_id in (None, project_id)
        for grant in site.grants
    )
