"""The stack: what is up is kept, what is outdated is renewed, and nothing outlives a stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.components import admin_environment, service_environment
from devstack.demo.site import write_environment
from devstack.embedded.errors import StackError
from devstack.embedded.identity import Identity, identify
from devstack.embedded.process import pause
from devstack.keys import make_keys
from devstack.roster import Roster
from devstack.settings import load_settings
from devstack.stack import whole_plan
from services.tenancy.settings import AdminSettings
from tests.devstack.small_stack import SLEEP, small_stack

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; whatever a test leaves in it is ended."""
    yield tmp_path
    Roster(tmp_path).stop_all([])


def up(folder: Path, code: str = SLEEP) -> bool:
    """Bring the small stack up as one command would, which then ends."""
    stack = small_stack(folder, code=code)
    renewed = stack.up()
    stack.roster.leave_running()
    return renewed


def pids(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "pids.json").read_text())
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        pause()
    return condition()


def command(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.devstack.small_stack", str(folder), *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, *words: str) -> tuple[int, str]:
    with command(folder, *words) as child:
        output = child.communicate(timeout=40)[0]
        return child.returncode, output


def held(folder: Path) -> subprocess.Popen[str]:
    """A command that stays and has its stack up."""
    child = command(folder, "stay")
    assert child.stdout is not None
    for line in child.stdout:
        if "Ctrl-C" in line:
            return child
    raise AssertionError(f"ended with {child.wait()}")


def processes(folder: Path) -> list[Identity]:
    found = [identify(pid) for pid in pids(folder).values()]
    return [identity for identity in found if identity is not None]


def test_a_second_up_keeps_what_runs(folder: Path) -> None:
    assert up(folder)
    before = pids(folder)
    assert not up(folder)
    assert pids(folder) == before
    assert set(before) == {"below", "above"}


def test_a_dead_process_is_started_again_alone(folder: Path) -> None:
    up(folder)
    before = pids(folder)
    os.killpg(before["above"], signal.SIGKILL)
    assert wait_for(lambda: identify(before["above"]) is None)
    assert up(folder)
    assert pids(folder)["below"] == before["below"]
    assert pids(folder)["above"] != before["above"]


def test_an_outdated_process_is_replaced(folder: Path) -> None:
    up(folder)
    before = processes(folder)
    edited = "import time; print('up', flush=True); time.sleep(601)"
    assert up(folder, code=edited)
    after = processes(folder)
    assert before[0] == after[0]
    assert before[1] != after[1]
    assert not before[1].running()


def test_it_starts_after_everything_was_killed(folder: Path) -> None:
    up(folder)
    for pid in pids(folder).values():
        os.killpg(pid, signal.SIGKILL)
    assert wait_for(lambda: not processes(folder))
    assert up(folder)
    assert len(processes(folder)) == 2


def test_down_ends_everything_and_forgets_it(folder: Path) -> None:
    up(folder)
    before = processes(folder)
    assert small_stack(folder).down() == 2
    assert not any(identity.running() for identity in before)
    assert not (folder / "pids.json").exists()
    assert small_stack(folder).down() == 0


def test_a_clash_is_told_before_anything_is_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("OSTRO_PORT_EDGE", str(port))
        with pytest.raises(StackError, match=f"port {port} .* pid {os.getpid()} .*\n.*_PORT_EDGE"):
            small_stack(folder, ports=("port_edge",)).up()
    assert Roster(folder).running() == []


def test_a_crash_at_start_shows_the_log_and_ends_the_rest(folder: Path) -> None:
    code, output = run(folder, "crash")
    assert code == 1
    assert "wrong setting: OSTRO_COLOUR" in output
    assert Roster(folder).running() == []


def test_a_demo_that_fails_ends_the_stack(folder: Path) -> None:
    code, output = run(folder, "fail-demo")
    assert code == 1
    assert "the demo failed" in output
    assert Roster(folder).running() == []


def test_detached_it_returns_with_the_stack_up(folder: Path) -> None:
    code, output = run(folder)
    assert code == 0, output
    assert len(processes(folder)) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_held_stack_ends_with_the_signal(folder: Path, number: signal.Signals) -> None:
    with held(folder) as child:
        before = processes(folder)
        child.send_signal(number)
        child.communicate(timeout=30)
        assert child.returncode == 0
    assert len(before) == 2
    assert not any(identity.running() for identity in before)


def test_a_held_stack_ends_when_its_command_is_killed(folder: Path) -> None:
    with held(folder) as child:
        before = processes(folder)
        child.kill()
        child.communicate(timeout=30)
    assert wait_for(lambda: not any(identity.running() for identity in before))


def test_stop_ends_a_held_stack_through_its_holder(folder: Path) -> None:
    with held(folder) as child:
        before = processes(folder)
        Roster(folder).end_owner()
        child.communicate(timeout=30)
        assert child.returncode == 0
    assert not any(identity.running() for identity in before)


def test_a_second_command_runs_the_demo_on_the_held_stack(folder: Path) -> None:
    with held(folder) as child:
        before = pids(folder)
        os.killpg(before["above"], signal.SIGKILL)
        code, output = run(folder)
        assert code == 0, output
        assert "the demo ran" in output
        after = processes(folder)
        assert after[0].pid == before["below"]
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
        assert child.returncode == 0
    assert len(after) == 2
    assert not any(identity.running() for identity in after)


def test_two_commands_do_not_work_at_once(folder: Path) -> None:
    with (
        Roster(folder).at_work(),
        pytest.raises(StackError, match="another command"),
        Roster(folder).at_work(),
    ):
        pass


def test_keys_are_made_once_for_their_owner_only(folder: Path) -> None:
    keys = folder / "keys"
    created = make_keys(keys, ["testcases", "tenancy"])
    before = {name: (keys / name).read_text() for name in created}
    assert make_keys(keys, ["testcases", "tenancy"]) == []
    assert {name: (keys / name).read_text() for name in created} == before
    assert {file.stat().st_mode & 0o777 for file in keys.iterdir()} == {0o600}
    peers = json.loads((keys / "peer-keys.json").read_text())
    assert set(peers) == {"testcases", "tenancy"}
    assert all("PUBLIC KEY" in pem for pem in peers.values())


def test_the_environment_file_is_read_by_a_shell(folder: Path) -> None:
    values = {
        "BASE_URL": "http://127.0.0.1:8000/v2",
        "MONGODB_URI": "mongodb://a,b/?replicaSet=rs0&w=majority",
        "ACCOUNT_ID": "557058:2f8e4b1c",
    }
    file = folder / "demo.env"
    write_environment(file, values)
    script = f"set -a; . {file}; env"
    seen = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert {f"{name}={value}" for name, value in values.items()} <= set(seen.splitlines())
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_admin_command_gets_what_the_service_has(folder: Path) -> None:
    settings = load_settings()
    service = service_environment(settings, "tenancy")
    known = {f"OSTRO_{name.upper()}" for name in AdminSettings.model_fields}
    wanted = {name: value for name, value in service.items() if name in known}
    assert admin_environment(settings) == wanted
    assert {"OSTRO_JIRA_HOSTS", "OSTRO_PUBLIC_URL", "OSTRO_FORGE_API_HOSTS"} <= set(wanted)


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTRO_PORT_KAFKA", "70000")
    with pytest.raises(StackError, match="OSTRO_PORT_KAFKA: Input should be less than"):
        load_settings()


def test_every_port_of_the_plan_is_a_setting_of_its_own(folder: Path) -> None:
    settings = load_settings()
    plan = whole_plan(settings)
    fields = [field for part in (*plan.outside, *plan.inside) for field in part.ports]
    assert len(fields) == len(set(fields)) == 14
    assert len({getattr(settings, field) for field in fields}) == 14


def test_given_servers_are_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTRO_KAFKA_BOOTSTRAP", "kafka.example:9092")
    monkeypatch.setenv("OSTRO_MONGODB_URI", "mongodb://mongo.example/?replicaSet=rs0")
    names = {part.name for part in whole_plan(load_settings()).outside}
    assert names == {"jira", "processors"}
