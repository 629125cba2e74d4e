"""Everything the stand-in is at one moment: state, keys, clock, records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from devstack.jira import demo, persistence
from devstack.jira.chance import Chance
from devstack.jira.changes.happening import Happening
from devstack.jira.keys import KeyRing
from devstack.jira.model import SigningKey, Site, State
from devstack.jira.records import IssuedSecret, Records, SecretKind
from devstack.jira.rest.faults import FaultList
from devstack.jira.webhooks.outbox import Outbox
from devstack.standin.clock import Clock, iso

DEMO_SITE = "demo"

Listener = Callable[[Site, Happening], None]


@dataclass(slots=True)
class World:
    state: State
    keys: KeyRing
    clock: Clock
    chance: Chance
    records: Records = field(default_factory=Records)
    faults: FaultList = field(default_factory=FaultList)
    forge_keys: KeyRing = field(default_factory=lambda: KeyRing([]))
    outbox: Outbox = field(default_factory=Outbox)
    state_file: Path | None = None
    listeners: list[Listener] = field(default_factory=list)

    @classmethod
    def create(
        cls,
        base_url: str,
        clock: Clock,
        chance: Chance,
        state_file: Path | None = None,
        keys: Sequence[SigningKey] = (),
        forge_keys: Sequence[SigningKey] = (),
    ) -> "World":
        """Continue from the state file when there is one, else begin with the demo site."""
        saved = persistence.load(state_file) if state_file else None
        state = saved or State(keys=list(keys), forge_keys=list(forge_keys))
        world = cls(state, KeyRing(state.keys), clock, chance, state_file=state_file)
        world._forge_ring()
        if saved:
            world.relocate(state.sites[DEMO_SITE], base_url)
            world._remember_secrets()
        else:
            world._begin(base_url)
        world.save()
        return world

    def _begin(self, base_url: str) -> None:
        if not self.keys.saved:
            self.keys.rotate(self.chance.uuid())
        demo.furnish(self.add_site(DEMO_SITE, base_url), self.clock.now())

    def _forge_ring(self) -> None:
        """Its first key is made when Forge is first used."""
        self.forge_keys = KeyRing(
            self.state.forge_keys, first_kid=lambda: f"forge/invocation-token/{self.chance.uuid()}"
        )

    def _remember_secrets(self) -> None:
        """What was given out before a restart still counts in leak tests."""
        for site in self.state.sites.values():
            for app in site.installations.values():
                for old in app.retired_secrets:
                    self.issued(site, "sharedSecret", old.value)
                self.issued(site, "sharedSecret", app.shared_secret)
            for token in site.forge.tokens if site.forge else ():
                self.issued(site, "token", token.value)

    def reset(self, seed: int | None) -> None:
        """A new demo site without installations; every other site, key and record is gone.

        The clock undoes its advances.
        """
        base_url = self.state.sites[DEMO_SITE].base_url
        self.state = State()
        self.keys = KeyRing(self.state.keys)
        self._forge_ring()
        self.chance = Chance(seed)
        self.records.clear()
        self.faults.clear()
        self.outbox.clear()
        self.clock.reset()
        self._begin(base_url)
        self.save()

    def add_site(self, name: str, base_url: str) -> Site:
        site = Site(
            name=name,
            cloud_id=self.chance.uuid(),
            client_key=self.chance.uuid(),
            base_url=base_url,
        )
        self.state.sites[name] = site
        return site

    def relocate(self, site: Site, base_url: str) -> None:
        """Give the site a new address; the old one answers redirects from now on."""
        if base_url == site.base_url:
            return
        site.former_base_urls = [
            url for url in [*site.former_base_urls, site.base_url] if url != base_url
        ]
        site.base_url = base_url

    def site_at(self, host: str) -> tuple[Site | None, bool]:
        """The site whose address has this Host, and whether it has moved away from there."""
        for site in self.state.sites.values():
            if urlsplit(site.base_url).netloc == host:
                return site, False
        for site in self.state.sites.values():
            if host in [urlsplit(url).netloc for url in site.former_base_urls]:
                return site, True
        return None, False

    def publish(self, site: Site, happening: Happening) -> None:
        """Tell everybody who sends events to apps."""
        for listener in self.listeners:
            listener(site, happening)

    @property
    def origin(self) -> str:
        """Where the stand-in itself is: key servers, gateway and control."""
        return self.state.sites[DEMO_SITE].base_url

    def installation_id(self, site: Site) -> str:
        """One for the app on this site, whether Connect or Forge asks first."""
        known = [app.installation_id for app in site.installations.values() if app.installation_id]
        return known[0] if known else f"ari:cloud:ecosystem::installation/{self.chance.uuid()}"

    def jira_time(self) -> str:
        """Now, as Jira writes it in issues."""
        return iso(self.clock.now()).replace("+00:00", "+0000")

    def issued(self, site: Site, kind: SecretKind, value: str) -> str:
        """Remember a secret or token that leaves the stand-in; returns it."""
        self.records.secrets.add(IssuedSecret(self.clock.now(), kind, site.name, value))
        return value

    def save(self) -> None:
        if self.state_file is not None:
            persistence.save(self.state_file, self.state)
