"""`python -m devstack.processors --port 8091`: the processors' stand-ins on loopback."""

import argparse
import asyncio
import sys
from pathlib import Path

from devstack.processors.app import MAX_RECORDED_BYTES, MAX_REQUESTS, ProcessorsApp, Setup
from devstack.processors.wire import ClosableProtocol
from devstack.standin.clock import Clock
from devstack.standin.serving import Listeners, bind, port_of, until_signal


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack.processors", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="loopback port; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--max-requests", type=int, default=MAX_REQUESTS)
    parser.add_argument("--max-bytes", type=int, default=MAX_RECORDED_BYTES)
    parser.add_argument("--segment-write-key-file", type=Path, help="only this key is known")
    parser.add_argument("--amplitude-api-key-file", type=Path, help="only this key is known")
    parser.add_argument("--bugsnag-api-key-file", type=Path, help="only this key is known")
    parser.add_argument("--launchdarkly-sdk-key-file", type=Path, help="only this key is known")
    for name in ("beamer-api-key", "amplitude-secret-key", "segment-api-token"):
        parser.add_argument(f"--{name}-file", type=Path, help="only this key is known")
    parser.add_argument("--bugsnag-data-token-file", type=Path, help="only this token is known")
    parser.add_argument("--clock-start", type=float, help="virtual clock frozen at these seconds")
    return parser.parse_args()


def _key(path: Path | None) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path else None


async def _main(arguments: argparse.Namespace) -> None:
    app = ProcessorsApp(
        Setup(
            segment_write_key=_key(arguments.segment_write_key_file),
            amplitude_api_key=_key(arguments.amplitude_api_key_file),
            bugsnag_api_key=_key(arguments.bugsnag_api_key_file),
            launchdarkly_sdk_key=_key(arguments.launchdarkly_sdk_key_file),
            beamer_api_key=_key(arguments.beamer_api_key_file),
            amplitude_secret_key=_key(arguments.amplitude_secret_key_file),
            segment_api_token=_key(arguments.segment_api_token_file),
            bugsnag_data_token=_key(arguments.bugsnag_data_token_file),
            max_requests=arguments.max_requests,
            max_bytes=arguments.max_bytes,
            clock=Clock(arguments.clock_start),
        )
    )
    sock = bind(arguments.host, arguments.port)
    listeners = Listeners(ClosableProtocol)
    await listeners.serve(app, sock)
    print(f"processor stand-ins: http://{arguments.host}:{port_of(sock)}", flush=True)
    await until_signal()
    await listeners.stop()


def main() -> None:
    arguments = _arguments()
    try:
        asyncio.run(_main(arguments))
    except OSError as error:
        sys.exit(f"processor stand-ins: {error}")


if __name__ == "__main__":
    main()
