"""What LaunchDarkly's SDK leaves behind."""

import gc
import warnings


def drop_refused_sockets() -> None:
    """Collect the connections of refused streams, which the SDK (9.18) forgets to close."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
