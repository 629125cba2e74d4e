"""The masked type: a secret shows in nothing that is made of text."""

import copy
import json
import pickle
import traceback

import pytest

from services.tenancy.domain.secret import Place, Secret
from services.tenancy.domain.tokens import ApiToken
from services.tenancy.usecases.tokens import Minted
from tests.harness.fakes import START

TEXT = "canary-secret-7c1f"


def test_no_text_of_it_anywhere() -> None:
    secret = Secret.of_text(TEXT)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        "%s" % secret,  # noqa: UP031  the old form must hide it, too
        repr([secret]),
        repr({"a": secret}),
    ]
    shown += traceback.format_exception(ValueError(secret))
    assert not any(TEXT in text for text in shown)


def test_it_does_not_leave_the_process() -> None:
    secret = Secret.of_text(TEXT)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)
    assert copy.deepcopy(secret) is secret


def test_equal_by_value() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"


def test_a_minted_token_does_not_show_its_text() -> None:
    token = ApiToken("t", "id", "n", None, frozenset(), None, START, START)
    assert TEXT not in repr(Minted(token, TEXT))


def test_places_do_not_collide() -> None:
    assert Place("t", "a", "b", 1).context() != Place("t", "a", "b", 2).context()
    with pytest.raises(ValueError, match="separator"):
        Place("t|a", "b", "c", 1).context()
