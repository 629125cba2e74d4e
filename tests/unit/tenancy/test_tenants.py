"""The order guard and the rotation of an install's secret."""

from dataclasses import replace
from datetime import timedelta

from contracts.tenancy import TenantStatus
from services.tenancy.domain.connect_life import PREVIOUS_SECRET_LIFE, Install, InstallSecret
from services.tenancy.domain.deliveries import Delivery, Stamp
from services.tenancy.domain.secret import Sealed
from services.tenancy.domain.tenants import Tenant
from tests.harness.fakes import START


def sealed(text: bytes) -> Sealed:
    return Sealed("local:x", b"w", b"n", text)


INSTALL = Install("hash", sealed(b"ck"), InstallSecret(1, sealed(b"one")))


AT = int(START.timestamp())


def test_newest_token_wins_and_each_call_counts_once() -> None:
    first, same_second = Delivery(AT, "a", "1"), Delivery(AT, "b", "1")
    stamp = Stamp().after(first)
    assert stamp.outdates(first, START)
    assert not stamp.outdates(same_second, START)
    stamp = stamp.after(same_second)
    assert stamp.outdates(first, START)
    assert stamp.outdates(same_second, START)
    stamp = stamp.after(Delivery(AT + 1, "c", "1"))
    assert stamp.outdates(first, START)
    assert stamp.outdates(same_second, START)
    assert stamp.outdates(Delivery(AT, "never seen", "1"), START)
    assert stamp.seen == ("c.1",)


def test_a_used_token_with_another_body_is_believed_in_the_same_moment_only() -> None:
    stamp = Stamp().after(Delivery(AT, "a", "1"))
    again = Delivery(AT, "a", "2")
    assert not stamp.outdates(again, START + timedelta(seconds=4))
    assert stamp.outdates(again, START + timedelta(seconds=6))
    # another token of that second is no replay, however late it comes
    assert not stamp.outdates(Delivery(AT, "b", "2"), START + timedelta(seconds=60))


def test_remembered_calls_are_bounded() -> None:
    stamp = Stamp()
    for number in range(1000):
        stamp = stamp.after(Delivery(AT, str(number), "1"))
    assert len(stamp.seen) <= 32


def test_the_replaced_secret_is_good_for_five_minutes() -> None:
    fresh = InstallSecret(2, sealed(b"two"))
    install = INSTALL.rotated(fresh, START)
    assert install.secrets(START)[0] is fresh
    just_before = START + PREVIOUS_SECRET_LIFE - timedelta(seconds=1)
    assert [s.version for s in install.secrets(just_before)] == [2, 1]
    assert [s.version for s in install.secrets(START + PREVIOUS_SECRET_LIFE)] == [2]


def test_two_rotations_leave_one_previous_secret() -> None:
    install = INSTALL.rotated(InstallSecret(2, sealed(b"two")), START)
    install = install.rotated(InstallSecret(3, sealed(b"three")), START)
    assert [s.version for s in install.secrets(START)] == [3, 2]


def test_the_published_state_holds_no_secret() -> None:
    install = replace(INSTALL, entitlement="SEN-1")
    tenant = Tenant("t1", TenantStatus.ACTIVE, "local", START, install=install)
    text = tenant.state().model_dump_json()
    assert "hash" not in text
    assert tenant.state().support_entitlement == "SEN-1"
    assert tenant.state().licence_tier is None
