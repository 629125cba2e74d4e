"""Run inside a container: which of the given `host:port` can be reached. Prints JSON."""

import json
import socket
import sys


def reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=3):
            return True
    except OSError:
        return False


sys.stdout.write(json.dumps({address: reachable(address) for address in sys.argv[1:]}))
