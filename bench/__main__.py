"""``python -m bench [upload|memory|consumer|webhooks ...]``: all of them by default."""

import argparse
import logging
from collections.abc import Callable

from bench import consumer, upload, webhooks
from bench.report import Figure, publish
from bench.stack import Stack, stack

MEASUREMENTS: dict[str, Callable[[Stack], list[Figure]]] = {
    "upload": upload.measure,
    "consumer": consumer.measure,
    "webhooks": webhooks.measure,
    "memory": upload.memory,
}
# a zip of 100,000 results is larger than the vendor's cap
CAPS = {
    "OSTRO_UPLOAD_MAX_JUNIT_BYTES": "100000000",
    "OSTRO_MAX_UNSTORED_RESULTS": "1000000",
}


def main() -> None:
    """Measure what was asked for on one stack."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    names = parser.parse_args().names or list(MEASUREMENTS)
    unknown = set(names) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    # a fresh topic has no leader for a moment; the producer waits for it and says so
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    figures: list[Figure] = []
    with stack(**CAPS) as running:
        for name in names:
            print(f"measuring {name} ...", flush=True)
            figures += MEASUREMENTS[name](running)
    publish(figures)


if __name__ == "__main__":
    main()
