"""The job that rewraps finds every sealed field by the types of the documents."""

from typing import Annotated

import pytest
from typing_extensions import TypedDict

from contracts.classes import DataClass, field_classes
from services.tenancy.adapters.mongo.documents import DOCUMENTS, SealedDocument
from services.tenancy.adapters.mongo.sealed_fields import _PLACES, SEALED_FIELDS, sealed_paths


def test_every_secret_field_of_every_document_is_part_of_a_known_sealed_secret() -> None:
    known = {
        (f.collection, f"{f.path}.{p}") for f in SEALED_FIELDS for p in ("wrapped", "ciphertext")
    }
    secret = {
        (collection, path)
        for collection, document in DOCUMENTS.items()
        for path, found in field_classes(document)
        if found is DataClass.SECRET
    }
    assert secret == known


def test_no_place_is_left_over() -> None:
    assert set(_PLACES) == {(f.collection, f.path) for f in SEALED_FIELDS}


def test_places_tell_fields_records_and_versions_apart() -> None:
    places = [
        field.place_of(record, {"version": version}).context()
        for field in SEALED_FIELDS
        # the previous secret was the current one before, in the very same place
        if field.path != "install.previous.sealed"
        for record in ("a", "b")
        for version in (1, 2)
    ]
    unversioned = {"install.client_key", "private", "sealed"}
    repeated = 2 * sum(f.path in unversioned for f in SEALED_FIELDS)
    assert len(set(places)) == len(places) - repeated


class _Inner(TypedDict):
    sealed: SealedDocument | None


class _New(TypedDict):
    _id: Annotated[str, DataClass.OPERATIONAL]
    direct: SealedDocument
    inner: _Inner | None


class _Listed(TypedDict):
    many: list[_Inner]


def test_a_new_sealed_field_is_found_wherever_it_stands() -> None:
    assert list(sealed_paths(_New)) == ["direct", "inner.sealed"]


def test_a_list_of_secrets_is_refused() -> None:
    with pytest.raises(TypeError, match="many"):
        list(sealed_paths(_Listed))


def test_a_document_without_the_secret_has_nothing_to_do() -> None:
    previous = next(f for f in SEALED_FIELDS if f.path == "install.previous.sealed")
    rows: list[dict[str, object]] = [
        {},
        {"install": None},
        {"install": {"previous": None}},
        {"install": {}},
    ]
    for row in rows:
        assert previous.within(row) is None
    held = {"version": 3, "sealed": {"key_id": "k"}}
    assert previous.within({"install": {"previous": held}}) == ({"key_id": "k"}, held)
