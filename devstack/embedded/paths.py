"""Where things are kept that outlive one checkout."""

import os
import sys
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Return OSTRO_CACHE, else ``ostro`` in the user's cache folder."""
    chosen = os.environ.get("OSTRO_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg) / "ostro"
    try:
        home = Path.home()
    except RuntimeError:  # a uid without a passwd entry and without HOME
        return Path(tempfile.gettempdir()) / f"ostro-{os.getuid()}"
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "ostro"
