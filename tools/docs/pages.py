"""Every rendered document of the repository."""

from pathlib import Path

from tools.docs import asyncapi, blocks, catalogue, events, inventory, metrics, openapi, settings


def render(root: Path) -> dict[Path, str]:
    """Return path to text of all rendered documents under ``root``."""
    docs = root / "docs"
    return {
        docs / "events.md": events.render(),
        docs / "asyncapi.json": asyncapi.render(),
        docs / "telemetry-events.md": catalogue.render(),
        docs / "settings.md": settings.render(),
        docs / "metrics.md": metrics.render(),
        docs / "privacy" / "inventory.md": inventory.render(),
        **{docs / "openapi" / f"{name}.json": text for name, text in openapi.render().items()},
        **blocks.render(root),
    }
