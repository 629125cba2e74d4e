"""Every rendered document of the repository."""

from pathlib import Path

from tools.docs import (
    asyncapi,
    blocks,
    catalogue,
    events,
    inventory,
    metrics,
    openapi,
    served,
    settings,
)


def render(root: Path) -> dict[Path, str]:
    """Return path to text of all rendered documents under ``root``."""
    docs = root / "docs"
    apis = openapi.render()
    return {
        docs / "events.md": events.render(),
        docs / "asyncapi.json": asyncapi.render(),
        docs / "telemetry-events.md": catalogue.render(),
        docs / "settings.md": settings.render(),
        docs / "metrics.md": metrics.render(),
        docs / "privacy" / "inventory.md": inventory.render(),
        **{docs / "openapi" / f"{name}.json": text for name, text in apis.items()},
        root / "services" / "telemetry" / "domain" / "served.py": served.render(apis),
        **blocks.render(root),
    }
