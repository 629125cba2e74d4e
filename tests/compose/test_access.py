"""Who may do what on Kafka and MongoDB: secrets, users and ACLs against the registries."""

import base64
import hashlib
import json
import re
import stat
from pathlib import Path

import pytest

from contracts.tenancy import SERVICES
from contracts.topics import TOPICS
from deploy.make_secrets import KAFKA_USERS, MONGO_USERS, make
from deploy.make_secrets import SERVICES as SECRET_SERVICES
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.kafka.acls import Acl, Operation, Resource, render
from kit.kafka.client import Names
from kit.kafka.topics import wanted_topics
from kit.kafka.users import parse
from tests.compose.composefile import ROOT, compose, environment, secret_targets

BROKER = (ROOT / "deploy/kafka/server.properties").read_text()


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    make(folder)
    return folder


def allowed(service: str, operation: Operation, resource: Resource) -> set[str]:
    return {
        acl.name
        for acl in render(Names())
        if (acl.service, acl.operation, acl.resource) == (service, operation, resource)
    }


def test_the_broker_denies_what_no_acl_allows() -> None:
    settings = dict(
        line.split("=", 1) for line in BROKER.splitlines() if line and not line.startswith("#")
    )
    assert settings["allow.everyone.if.no.acl.found"] == "false"
    assert settings["authorizer.class.name"].endswith(".StandardAuthorizer")
    assert settings["auto.create.topics.enable"] == "false"
    superusers = {user.removeprefix("User:") for user in settings["super.users"].split(";")}
    assert superusers == {"broker", "admin"}
    assert settings["listener.name.clients.sasl.enabled.mechanisms"] == "SCRAM-SHA-512"
    reachable = re.findall(r"(\w+)://:", settings["listeners"])
    assert reachable == ["CLIENTS"]
    assert "PLAINTEXT" not in {
        pair.partition(":")[2] for pair in settings["listener.security.protocol.map"].split(",")
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_what_it_produces_and_its_dead_letters_only(service: str) -> None:
    dead = {
        topic.dead_letter_name(s)
        for topic in TOPICS
        for s in topic.subscriptions
        if s.service == service and s.dead_letters
    }
    produced = {topic.name for topic in TOPICS if service in topic.producers}
    assert allowed(service, Operation.WRITE, Resource.TOPIC) == produced | dead


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_what_it_subscribes_to_in_its_own_groups_only(service: str) -> None:
    subscriptions = [(t.name, s) for t in TOPICS for s in t.subscriptions if s.service == service]
    kept = {t.name for t in TOPICS if service in t.readers}
    names = {name for name, _ in subscriptions}
    assert allowed(service, Operation.READ, Resource.TOPIC) == names | kept
    groups = {s.group for _, s in subscriptions}
    assert allowed(service, Operation.READ, Resource.GROUP) == groups


def test_executions_may_tell_of_usage_but_not_listen_to_it() -> None:
    usage = "ostro.usage.event.v1"
    assert usage in allowed("executions", Operation.WRITE, Resource.TOPIC)
    assert usage not in allowed("executions", Operation.READ, Resource.TOPIC)


def test_acls_name_topics_that_exist_and_users_that_have_credentials() -> None:
    acls = render(Names("p."))
    topics = {topic.name for topic in wanted_topics("p.")}
    named = {a.name for a in acls if a.resource is Resource.TOPIC} - {"p.ostro."}
    assert named == topics
    assert {acl.service for acl in acls} == set(SERVICES) <= set(KAFKA_USERS)


def test_a_relay_id_belongs_to_one_service() -> None:
    ids = [acl for acl in render(Names()) if acl.resource is Resource.TRANSACTIONAL_ID]
    assert {(acl.service, acl.name) for acl in ids} == {(s, f"{s}.") for s in SERVICES}
    assert str(Acl("executions", Resource.GROUP, "executions.results", Operation.READ)) == (
        "User:executions READ GROUP executions.results"
    )


def test_every_secret_of_the_compose_file_is_generated(secrets: Path) -> None:
    assert {path.name for path in secrets.iterdir()} == set(compose()["secrets"])
    for name, secret in compose()["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
    ignored = (ROOT / "deploy/.gitignore").read_text().split()
    assert "secrets/" in ignored


def test_the_secrets_folder_is_closed_to_others(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700


def test_making_secrets_again_keeps_what_exists(secrets: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert make(secrets) == []
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before


def test_a_lost_secret_is_made_anew_with_what_follows_from_it(tmp_path: Path) -> None:
    make(tmp_path)
    peers = json.loads((tmp_path / "peer-keys").read_text())
    (tmp_path / "service-key-tenancy").unlink()
    assert make(tmp_path) == ["service-key-tenancy"]
    renewed = json.loads((tmp_path / "peer-keys").read_text())
    assert {s for s in SERVICES if renewed[s] != peers[s]} == {"tenancy"}


def test_kafka_gets_a_salted_credential_of_each_user(secrets: Path) -> None:
    lines = (secrets / "kafka-scram-credentials").read_text().splitlines()
    pattern = r'SCRAM-SHA-512=\[name=(\w+),iterations=(\d+),salt="(.+)",saltedpassword="(.+)"\]'
    found = {}
    for line in lines:
        matched = re.fullmatch(pattern, line)
        assert matched
        user, iterations, salt, salted = matched.groups()
        password = (secrets / f"kafka-{user}-password").read_bytes()
        derived = hashlib.pbkdf2_hmac("sha512", password, base64.b64decode(salt), int(iterations))
        found[user] = derived == base64.b64decode(salted)
        assert int(iterations) >= 4096
    assert found == dict.fromkeys(KAFKA_USERS, True)


def test_each_service_has_its_own_database_and_user(secrets: Path) -> None:
    assert tuple(SERVICES) == SECRET_SERVICES
    passwords = {f"mongo-{user}-password" for user in MONGO_USERS}
    assert set(secret_targets("mongo-init")) == passwords
    init = (ROOT / "deploy/mongo/init.js").read_text()
    assert 'roles: [{ role: "readWrite", db: `ostro_${service}` }]' in init
    for service in SERVICES:
        block = environment(service)
        assert block["OSTRO_MONGODB_URI"].startswith(f"mongodb://{service}@mongo:27017/")
        assert block["OSTRO_MONGODB_DATABASE"] == f"ostro_{service}"
        assert block["OSTRO_KAFKA_USERNAME"] == service


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_its_own_secrets_and_nobody_elses(service: str) -> None:
    mounted = set(secret_targets(service).values())
    assert {f"kafka-{service}-password", f"mongo-{service}-password"} <= mounted
    others = set(SERVICES) - {service}
    assert not {name for name in mounted if any(other in name for other in others)}
    assert "kafka-admin-password" not in mounted
    assert "mongo-root-password" not in mounted


def test_services_trust_each_others_generated_keys(secrets: Path) -> None:
    def tokens(service: str) -> ServiceTokens:
        key = secrets / f"service-key-{service}"
        return ServiceTokens.from_files(service, key, secrets / "peer-keys", SystemClock())

    call = tokens("executions").sign("testcases", "tenant", None)
    assert tokens("testcases").verify(call).service == "executions"


def test_the_users_command_reads_what_the_script_writes(secrets: Path) -> None:
    credentials = parse((secrets / "kafka-scram-credentials").read_text())
    assert tuple(c.user for c in credentials) == KAFKA_USERS
    assert {len(c.salted_password) for c in credentials} == {hashlib.sha512().digest_size}


def test_a_broken_credential_is_named_by_its_line_and_not_shown() -> None:
    with pytest.raises(ValueError, match="line 1 is no") as raised:
        parse("SCRAM-SHA-512=[name=a,password=clear]")
    assert "clear" not in str(raised.value)
