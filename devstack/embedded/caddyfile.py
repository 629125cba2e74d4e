"""The edge's configuration, rendered from the routing table."""

from collections.abc import Mapping, Sequence

from contracts.routes import Route

# the services drop an idle connection after 65 seconds (kit/service.py); the edge must be quicker,
# or it sends a request into a connection that is just being closed
_KEEPALIVE = "30s"


def render_caddyfile(
    routes: Sequence[Route],
    upstreams: Mapping[str, str],
    *,
    listen: str,
    bind: str | None = None,
    admin: str = "off",
    discover: bool = False,
) -> str:
    """Render a Caddyfile: first matching route wins, anything else is 404.

    ``upstreams`` maps each owner to ``host:port``; ``listen`` is the site address, for example
    ``http://127.0.0.1:8000``; ``admin`` is Caddy's own control address. With ``discover`` a
    host is a name of several addresses that come and go, and requests are spread over them. A
    service that does not answer shows as 503 with Retry-After.
    """
    site = [f"{listen} {{"]
    if bind is not None:
        site.append(f"\tbind {bind}")
    site.append("\troute {")
    for number, route in enumerate(routes):
        site.append(f"\t\t@route{number} path_regexp {_quoted(route.pattern)}")
        site.append(f"\t\thandle @route{number} {{")
        site.append(f"\t\t\timport upstream {_target(upstreams[route.owner], discover)}")
        site.append("\t\t}")
    site += ["\t\t" + _answer(404, "no such path"), "\t}", *_UNAVAILABLE, "}", ""]
    return "\n".join(["{", f"\tadmin {admin}", *_GLOBAL, *_upstream(discover), *site])


def _target(upstream: str, discover: bool) -> str:
    return upstream.replace(":", " ") if discover else upstream


def _upstream(discover: bool) -> list[str]:
    addresses = _DISCOVERED if discover else ("\treverse_proxy {args[0]} {",)
    return ["(upstream) {", *addresses, *_TRANSPORT, "\t}", "}"]


def _answer(status: int, message: str) -> str:
    return f'respond `{{"errorCode": {status}, "message": "{message}"}}` {status}'


def _quoted(pattern: str) -> str:
    if "`" in pattern:
        raise ValueError(f"a route pattern may not hold a backquote: {pattern}")
    return f"`{pattern}`"


_GLOBAL = (
    "\tauto_https off",
    "\tpersist_config off",
    "\tgrace_period 3s",
    "\tlog {",
    "\t\toutput stderr",
    "\t\tlevel WARN",
    "\t}",
    "}",
)
_DISCOVERED = (
    "\treverse_proxy {",
    "\t\tdynamic a {args[0]} {args[1]} {",
    "\t\t\trefresh 5s",
    "\t\t}",
    # an address that is gone refuses the connection: leave it out, ask another one
    "\t\tlb_policy least_conn",
    "\t\tlb_retries 2",
    "\t\tfail_duration 5s",
)
_TRANSPORT = (
    "\t\ttransport http {",
    f"\t\t\tkeepalive {_KEEPALIVE}",
    "\t\t\tdial_timeout 2s",
    "\t\t\tnetwork_proxy none",
    "\t\t}",
)
_UNAVAILABLE = (
    "\thandle_errors 502 503 504 {",
    "\t\theader Retry-After 1",
    "\t\theader Content-Type application/json",
    "\t\t" + _answer(503, "the service does not answer, try again"),
    "\t}",
)
