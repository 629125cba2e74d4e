"""Two tenants of one installation: one plays the vendor's account, one is the target."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from contracts.ids import ProjectId
from devstack.jira.demo import TESTER
from kit.auth.principal import Scope
from services.tenancy.usecases.projects import Wanted
from services.tenancy.usecases.tokens import TokenRequest
from tests.e2e.zephyr.front import Front, front
from tests.e2e.zephyr.rich import KEY, Rich
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.harness.processes import ROOT
from tests.harness.system import client
from tests.integration.permissions.shop import CELL, Shop, open_shop


@dataclass
class Copies:
    """What a test of the copy uses."""

    shop: Shop
    front: Front
    folder: Path
    token: str

    def file(self, token: str) -> Path:
        """Write a token into a file."""
        path = self.folder / f"{abs(hash(token))}.token"
        path.write_text(token + "\n")
        return path

    async def token_of(self, tenant: str) -> str:
        """Mint a token that may do everything in a tenant."""
        account = TESTER if tenant == self.shop.tenant else None
        request = TokenRequest("copy", tuple(Scope), timedelta(days=1), None, account)
        return (await self.shop.core.tokens.mint(tenant, request, CELL)).text

    async def target(self) -> tuple[str, str, int]:
        """Make another tenant with an empty project of the same key: tenant, token, project."""
        tenant = (await self.shop.core.tenants.create("target", None, CELL)).id
        project, _ = await self.shop.core.projects.enable(tenant, Wanted(KEY, None), CELL)
        token = await self.token_of(tenant)
        await self.served(token)
        return tenant, token, int(ProjectId(project.id))

    async def served(self, token: str) -> None:
        """Wait until all services know the project."""
        async with self.client(token) as http:
            for path in ("/testcases", "/testexecutions", "/testcycles"):

                async def known(path: str = path) -> bool:
                    answer = await http.get(path, params={"projectKey": KEY})
                    return answer.status_code == 200

                await eventually(known)

    def client(self, token: str) -> httpx.AsyncClient:
        """Return a client of the installation, past the front."""
        return client(self.shop.installation, {"authorization": f"Bearer {token}"})

    def command(self, name: str, work: Path, *more: str, token: str = "") -> list[str]:
        """Return a command line that reads the source by way of the front."""
        file = str(self.file(token or self.token))
        return [
            sys.executable, "-m", "tools.zephyr", name,
            "--from", f"{self.front.url}/v2", "--from-token-file", file,
            "--project", KEY, "--work-dir", str(work), *more,
        ]  # fmt: skip

    def to(self, token: str) -> list[str]:
        """Return the arguments that name a target."""
        return ["--to", self.front.url, "--to-token-file", str(self.file(token))]

    def environment(self) -> dict[str, str]:
        """Return the environment of commands."""
        return {**os.environ, "PYTHONPATH": str(ROOT)}


@contextlib.asynccontextmanager
async def open_copies(installation: Installation, folder: Path) -> AsyncIterator[Copies]:
    """Run everything and fill the source."""
    async with open_shop(installation) as shop, front(installation) as found:
        copies = Copies(shop, found, folder, "")
        copies.token = await copies.token_of(shop.tenant)
        await copies.served(copies.token)
        async with copies.client(copies.token) as http:
            await Rich(http).fill()
        yield copies
