"""`python -m devstack.jira --port 8090 --app-url http://127.0.0.1:8000 --state-file FILE`."""

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

from devstack.jira.app import Setup, build
from devstack.jira.world import DEMO_SITE
from devstack.standin.clock import Clock
from devstack.standin.serving import Listeners, bind, port_of, until_signal


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack.jira", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="loopback port; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--base-url", help="address of the site; default http://HOST:PORT")
    parser.add_argument("--app-url", help="where the app serves /connect/atlassian-connect.json")
    parser.add_argument("--state-file", "--state", type=Path, help="keeps keys, sites and secrets")
    parser.add_argument("--seed", type=int, help="reproducible ids and secrets")
    parser.add_argument("--clock-start", type=float, help="virtual clock frozen at these seconds")
    parser.add_argument("--hook-timeout", type=float, help="seconds an app has to answer a hook")
    parser.add_argument(
        "--webhooks",
        choices=("automatic", "manual"),
        default="automatic",
        help="manual: only by POST /control/webhooks/deliver",
    )
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    """Binds first, so that the site knows its address before it answers."""
    listeners = Listeners()
    sock = bind(arguments.host, arguments.port)

    async def listen(port: int) -> str:
        further = bind(arguments.host, port)
        await listeners.serve(standin.app, further)
        return f"http://{arguments.host}:{port_of(further)}"

    standin = build(
        Setup(
            base_url=arguments.base_url or f"http://{arguments.host}:{port_of(sock)}",
            app_url=arguments.app_url,
            state_file=arguments.state_file,
            seed=arguments.seed,
            clock=Clock(arguments.clock_start),
            listen=listen,
        )
    )
    if arguments.hook_timeout:
        standin.world.state.policy.hook_timeout_seconds = arguments.hook_timeout
    await listeners.serve(standin.app, sock)
    standin.courier.automatic = arguments.webhooks == "automatic"
    courier = asyncio.create_task(standin.courier.run())
    print(f"Jira stand-in: {standin.world.state.sites[DEMO_SITE].base_url}", flush=True)
    await until_signal()
    courier.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await courier
    await listeners.stop()
    await standin.sender.close()


def main() -> None:
    arguments = _arguments()
    try:
        asyncio.run(_main(arguments))
    except (OSError, ValueError) as error:
        sys.exit(f"Jira stand-in: {error}")


if __name__ == "__main__":
    main()
