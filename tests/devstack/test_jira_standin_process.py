"""The Jira stand-in as a process: real sockets, a restart with old data, a second listener."""

import asyncio
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from devstack.jira.qsh import query_string_hash
from devstack.jira.tokens import hs256
from devstack.standin.serving import Listeners, bind, port_of
from tests.devstack.jira_receiver import APP_KEY, Receiver
from tests.devstack.standin_process import standin
from tests.harness.polling import eventually


async def test_install_restart_and_call_over_real_sockets(tmp_path: Path) -> None:
    file = tmp_path / "jira.json"
    receiver = Receiver()
    listeners, sock = Listeners(), bind("127.0.0.1", 0)
    await listeners.serve(receiver.app, sock)
    receiver.descriptor["baseUrl"] = f"http://127.0.0.1:{port_of(sock)}/ostro"
    arguments = ("--state-file", str(file), "--app-url", receiver.descriptor["baseUrl"])
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        async with standin("devstack.jira", *arguments) as first:
            receiver.keys, receiver.keys_url = client, f"{first.url}/install-keys"
            receiver.hosts = (urlsplit(first.url).netloc,)
            installed = await client.post(f"{first.url}/control/sites/demo/actions/install")
            assert installed.json()["ok"], receiver.refusals
            assert receiver.hooks() == ["installed", "enabled"]
            site = (await client.get(f"{first.url}/control/sites/demo")).json()
            second_site = await client.post(f"{first.url}/control/sites", json={"name": "b"})
            other = second_site.json()
            assert (await client.get(f"{other['base_url']}/_edge/tenant_info")).json() == {
                "cloudId": other["cloud_id"]
            }
            await first.kill()
        port = urlsplit(first.url).port or 0
        async with standin("devstack.jira", *arguments, port=port) as again:
            assert again.url == first.url
            known = (await client.get(f"{again.url}/control/sites/demo")).json()
            assert known["client_key"] == site["client_key"]
            assert known["installations"][APP_KEY]["state"] == "installed"
            target = "/rest/api/3/project/search?keys=DEMO&query=Nord%20Web"
            claims: dict[str, Any] = {"iss": APP_KEY, "qsh": query_string_hash("GET", target)}
            claims |= {"iat": 1_700_000_000, "exp": 4_000_000_000}
            headers = {
                "authorization": f"JWT {hs256(claims, receiver.secrets[site['client_key']])}"
            }
            found = await client.get(again.url + target, headers=headers)
            assert found.status_code == 200, found.text
            assert found.json()["values"][0]["key"] == "DEMO"
    await listeners.stop()


async def test_a_taken_port_is_explained_in_one_line() -> None:
    sock = bind("127.0.0.1", 0)
    sock.listen()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "devstack.jira",
        "--port",
        str(port_of(sock)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(process.communicate(), 30)
    sock.close()
    assert process.returncode == 1
    assert told.startswith(b"Jira stand-in: ")
    assert b"in use" in told
    assert told.count(b"\n") == 1


async def test_a_process_sends_webhooks_by_itself_and_goes_on_counting_after_a_restart(
    tmp_path: Path,
) -> None:
    receiver = Receiver()
    module = {"event": "jira:issue_updated", "url": "/hooks/all"}
    receiver.descriptor["modules"] = {"webhooks": [module]}
    listeners, sock = Listeners(), bind("127.0.0.1", 0)
    await listeners.serve(receiver.app, sock)
    receiver.descriptor["baseUrl"] = f"http://127.0.0.1:{port_of(sock)}/ostro"
    file = str(tmp_path / "jira.json")
    arguments = ("--state-file", file, "--app-url", receiver.descriptor["baseUrl"])
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        async with standin("devstack.jira", *arguments) as first:
            receiver.keys, receiver.keys_url = client, f"{first.url}/install-keys"
            receiver.hosts = (urlsplit(first.url).netloc,)
            await client.post(f"{first.url}/control/sites/demo/actions/install")
            await _change(client, first.url, "One")
            await _heard(receiver, 1)
            port = urlsplit(first.url).port or 0
        async with standin("devstack.jira", *arguments, "--webhooks", "manual", port=port) as again:
            await _change(client, again.url, "Two")
            queue = (await client.get(f"{again.url}/control/webhooks")).json()["queue"]
            assert [waiting["tries"] for waiting in queue] == [0]
            await client.post(f"{again.url}/control/webhooks/automatic", json={"on": True})
            await _heard(receiver, 2)
    await listeners.stop()
    seen = [hook.headers["x-atlassian-webhook-identifier"] for hook in receiver.webhooks]
    assert seen == ["1", "2"]


async def _change(client: httpx.AsyncClient, url: str, summary: str) -> None:
    order = {"issue": {"id": 10001, "summary": summary}}
    assert (await client.post(f"{url}/control/issues", json=order)).is_success


async def _heard(receiver: Receiver, number: int) -> None:
    async def count() -> int:
        return len(receiver.webhooks)

    await eventually(count, lambda found: found >= number)
