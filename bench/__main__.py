"""``python -m bench [NAME ...]``: names are those of the tables below, all of them by default."""

import argparse
import logging
from collections.abc import Callable

from bench import anonymizer, consumer, create, delivery, upload, webhooks
from bench.library import measure as library
from bench.pages import measure as pages
from bench.report import Figure, publish
from bench.stack import Stack, stack

MEASUREMENTS: dict[str, Callable[[Stack], list[Figure]]] = {
    "upload": upload.measure,
    "consumer": consumer.measure,
    "webhooks": webhooks.measure,
    "create": create.measure,
    "delivery": delivery.measure,
    "memory": upload.memory,
}
ALONE: dict[str, Callable[[], list[Figure]]] = {
    "anonymizer": anonymizer.measure,
    "library": library.measure,
    "pages": pages.measure,
}
"""Measurements that bring their own servers."""
# a zip of 100,000 results is larger than the vendor's cap
CAPS = {
    "OSTRO_UPLOAD_MAX_JUNIT_BYTES": "100000000",
    "OSTRO_MAX_UNSTORED_RESULTS": "1000000",
}


def main() -> None:
    """Measure what was asked for, on one stack where one is needed."""
    known = [*MEASUREMENTS, *ALONE]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names = parser.parse_args().names or known
    unknown = set(names) - set(known)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    # a fresh topic has no leader for a moment; the producer waits for it and says so
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    figures: list[Figure] = []
    for name in (n for n in names if n in ALONE):
        print(f"measuring {name} ...", flush=True)
        figures += ALONE[name]()
    on_stack = [n for n in names if n in MEASUREMENTS]
    if on_stack:
        with stack(**CAPS) as running:
            for name in on_stack:
                print(f"measuring {name} ...", flush=True)
                figures += MEASUREMENTS[name](running)
    publish(figures)


if __name__ == "__main__":
    main()
