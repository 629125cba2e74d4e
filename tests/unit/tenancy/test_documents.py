"""Every stored field says what kind of data it holds."""

import pytest
from typing_extensions import is_typeddict

from contracts.classes import DataClass, field_classes
from services.tenancy.adapters.mongo import documents
from services.tenancy.adapters.mongo.documents import (
    AuditDocument,
    OwnKeyDocument,
    ProjectDocument,
    SigningKeyDocument,
    TenantDocument,
    TokenDocument,
)

COLLECTIONS = [
    TenantDocument,
    ProjectDocument,
    TokenDocument,
    SigningKeyDocument,
    OwnKeyDocument,
    AuditDocument,
]


@pytest.mark.parametrize("document", [d for d in vars(documents).values() if is_typeddict(d)])
def test_every_field_has_a_class(document: type) -> None:
    unclassified = [path for path, found in field_classes(document) if found is None]
    assert unclassified == []


def test_secrets_lie_in_sealed_fields_only() -> None:
    secret = {
        path.rsplit(".", 1)[-1]
        for document in COLLECTIONS
        for path, found in field_classes(document)
        if found is DataClass.SECRET
    }
    assert secret == {"wrapped", "ciphertext"}
