"""The front's configuration: TLS for the vendor's host names, and every request to Ostro."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from devstack.embedded.ports import LOOPBACK
from devstack.front.certificates import Certificates
from devstack.front.hosts import FORMER_HOST, FORMER_PREFIX


def render_front(
    hosts: Sequence[str], files: Certificates, *, to: str, bind: str, port: int, plain_port: int
) -> str:
    """Render a Caddyfile.

    ``to`` is Ostro's address without a path. ``plain_port`` takes, on loopback, what clients send
    to a forward proxy without TLS: the request with its whole URL.
    """
    address = urlsplit(to)
    named = ", ".join(f"https://{host}:{port}" for host in hosts)
    plain = ", ".join(f"http://{host}:{plain_port}" for host in hosts)
    return f"""{{
	admin off
	auto_https off
	persist_config off
	grace_period 3s
	log {{
		output stderr
		level WARN
	}}
}}
(ostro) {{
	@former host {FORMER_HOST}
	uri @former strip_prefix {FORMER_PREFIX}
	reverse_proxy {address.scheme}://{address.netloc} {{
		header_up Host {{upstream_hostport}}
		transport http {{
			dial_timeout 2s
			network_proxy none
		}}
	}}
}}
{named} {{
	bind {bind}
	tls "{files.chain}" "{files.key}"
	import ostro
}}
{plain} {{
	bind {LOOPBACK}
	import ostro
}}
"""
