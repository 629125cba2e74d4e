"""The KMS provider against a server that speaks KMS."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from devstack.standin.serving import Listeners, bind, port_of
from kit.errors import Unavailable
from kit.observability import logs
from services.tenancy.adapters.sealing.kms import KmsKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.secret import Place, Secret
from services.tenancy.usecases.ports import SealBroken
from tests.harness.installation import free_port
from tests.harness.kms import CREDENTIALS, KmsServer, kms_server
from tests.harness.polling import eventually
from tests.harness.secret_scan import forms

pytestmark = pytest.mark.long

PLACE = Place("tenant-a", "shared-secret", "tenant-a", 3)
SECRET = Secret(b"the secret")
ARN = "arn:aws:kms:eu-central-1:123456789012:key/294530f5-d24c-4071-8fcf-37c2643997fb"


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KmsServer]:
    with kms_server(tmp_path_factory.mktemp("kms")) as found:
        yield found


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def keys(kms: KmsServer) -> AsyncIterator[KmsKeys]:
    found = KmsKeys(kms.new_key(), kms.endpoint)
    yield found
    await found.close()


async def test_a_secret_opens_in_its_place(keys: KmsKeys, kms: KmsServer) -> None:
    vault = EnvelopeVault(keys)
    sealed = await vault.seal(SECRET, PLACE)
    assert sealed.key_id == keys.key_id
    assert sealed.key_id.startswith("kms:arn:aws:kms:eu-central-1:")
    assert await vault.open(sealed, PLACE) == SECRET


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, tenant="tenant-b"),
        replace(PLACE, field="client-key"),
        replace(PLACE, record="tenant-b"),
        replace(PLACE, version=2),
    ],
)
async def test_the_data_key_is_bound_to_the_place(keys: KmsKeys, elsewhere: Place) -> None:
    key_id, wrapped = await keys.wrap(Secret(b"k" * 32), PLACE)
    with pytest.raises(SealBroken, match="belongs elsewhere"):
        await keys.unwrap(key_id, wrapped, elsewhere)


@pytest.mark.parametrize("cut", ["changed", "short", "empty", "huge"])
async def test_a_changed_ciphertext_is_broken_not_unavailable(keys: KmsKeys, cut: str) -> None:
    key_id, wrapped = await keys.wrap(Secret(b"k" * 32), PLACE)
    changed = {
        "changed": wrapped[:-1] + bytes([wrapped[-1] ^ 1]),
        "short": wrapped[:9],
        "empty": b"",
        "huge": wrapped * 100,
    }[cut]
    with pytest.raises(SealBroken):
        await keys.unwrap(key_id, changed, PLACE)


async def test_decrypt_names_the_key(keys: KmsKeys, kms: KmsServer) -> None:
    key_id, wrapped = await keys.wrap(Secret(b"k" * 32), PLACE)
    other = KmsKeys(kms.new_key(), kms.endpoint)
    with pytest.raises(SealBroken, match="another KMS key"):
        await other.unwrap(key_id, wrapped, PLACE)
    # whoever rewrites the stored id does not get further: this key did not wrap it
    with pytest.raises((SealBroken, Unavailable)):
        await other.unwrap(other.key_id, wrapped, PLACE)
    await other.close()


async def test_a_key_that_is_gone_is_unavailable(keys: KmsKeys, kms: KmsServer) -> None:
    key_id, wrapped = await keys.wrap(Secret(b"k" * 32), PLACE)
    gone = KmsKeys(key_id.removeprefix("kms:")[:-3] + "000", kms.endpoint)
    with pytest.raises(Unavailable):
        await gone.wrap(Secret(b"k" * 32), PLACE)
    with pytest.raises(Unavailable):
        await gone.unwrap(gone.key_id, wrapped, PLACE)
    await gone.close()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        # moto never says these; the codes are those of the API reference of Decrypt
        (400, "AccessDeniedException", Unavailable),
        (400, "DisabledException", Unavailable),
        (400, "KMSInvalidStateException", Unavailable),
        (400, "KeyUnavailableException", Unavailable),
        (400, "ThrottlingException", Unavailable),
        (400, "LimitExceededException", Unavailable),
        (400, "ExpiredTokenException", Unavailable),
        (500, "KMSInternalException", Unavailable),
        (503, "DependencyTimeoutException", Unavailable),
        (400, "IncorrectKeyException", SealBroken),
        (400, "InvalidCiphertextException", SealBroken),
    ],
)
async def test_what_the_service_says_and_what_becomes_of_it(
    status: int, code: str, expected: type[Exception]
) -> None:
    async def refuse(_: Request) -> JSONResponse:
        return JSONResponse({"__type": code, "message": "arn:aws:iam::123456789012:role/r"}, status)

    listeners, sock = Listeners(), bind("127.0.0.1", 0)
    await listeners.serve(Starlette(routes=[Route("/", refuse, methods=["POST"])]), sock)
    keys = KmsKeys(ARN, f"http://127.0.0.1:{port_of(sock)}")
    try:
        with pytest.raises(expected) as caught:
            await keys.unwrap(keys.key_id, b"x" * 96, PLACE)
        assert "arn:" not in str(caught.value)
        # to wrap there is nothing that could be broken
        with pytest.raises(Unavailable):
            await keys.wrap(Secret(b"k" * 32), PLACE)
    finally:
        await keys.close()
        await listeners.stop()


async def test_nobody_there_is_unavailable(kms: KmsServer) -> None:
    keys = KmsKeys(kms.new_key(), f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable) as caught:
        await keys.wrap(Secret(b"k" * 32), PLACE)
    assert caught.value.message == "The key service is not available; try again."
    await keys.close()


async def test_without_credentials_it_is_unavailable(
    kms: KmsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    keys = KmsKeys(kms.new_key(), kms.endpoint)
    with pytest.raises(Unavailable):
        await keys.wrap(Secret(b"k" * 32), PLACE)
    await keys.close()


async def test_a_silent_service_costs_a_deadline_and_no_more_threads(kms: KmsServer) -> None:
    arn = kms.new_key()
    # the first call makes the client, which a busy machine takes its time for
    patient = KmsKeys(arn, kms.endpoint)
    key_id, wrapped = await patient.wrap(Secret(b"k" * 32), PLACE)
    await patient.close()
    keys = KmsKeys(arn, kms.endpoint, deadline_seconds=0.5)
    loop = asyncio.get_running_loop()
    kms.freeze()
    try:
        began = loop.time()
        answers = await asyncio.gather(
            *(keys.unwrap(key_id, wrapped, PLACE) for _ in range(40)), return_exceptions=True
        )
        # forty callers, eight threads: those that wait for a thread keep to the deadline, too
        assert loop.time() - began < 5
        assert {type(a) for a in answers} == {Unavailable}
    finally:
        kms.thaw()

    async def opened() -> bool:
        try:
            return (await keys.unwrap(key_id, wrapped, PLACE)).reveal() == b"k" * 32
        except Unavailable:
            return False

    await eventually(opened, seconds=30)
    await keys.close()


async def test_boto3_logs_no_data_key_even_where_everything_is_logged(
    keys: KmsKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.configure("tests", "DEBUG")
    output = io.StringIO()
    monkeypatch.setattr(logging.getLogger().handlers[0], "stream", output)
    data_key = Secret(bytes(range(7, 39)))
    try:
        key_id, wrapped = await keys.wrap(data_key, PLACE)
        await keys.unwrap(key_id, wrapped, PLACE)
        with pytest.raises(SealBroken):
            await keys.unwrap(key_id, wrapped, replace(PLACE, version=9))
        logging.getLogger("anything").debug("the control")
        quiet = output.getvalue().encode()
        assert b"the control" in quiet
        assert not any(form in quiet for form in forms(data_key.reveal()))
        # nothing of it: that lines are cut is not what this rests on
        assert b"Encrypt" not in quiet
        # the control: without the floor it would be there
        for name in ("boto3", "botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        logs_of_botocore = logging.getLogger("botocore")
        logs_of_botocore.addHandler(handler := logging.StreamHandler(output))
        await keys.wrap(data_key, PLACE)
        logs_of_botocore.removeHandler(handler)
        assert any(form in output.getvalue().encode() for form in forms(data_key.reveal()))
    finally:
        logs.configure("tests", "WARNING")


async def test_one_that_was_never_used_closes_too(kms: KmsServer) -> None:
    keys = KmsKeys(kms.new_key(), kms.endpoint)
    await keys.close()
