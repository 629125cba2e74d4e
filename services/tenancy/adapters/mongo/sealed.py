"""Sealed secrets as documents."""

from collections.abc import Mapping
from typing import Any

from services.tenancy.adapters.mongo.documents import SealedDocument
from services.tenancy.domain.secret import Sealed


def dump(sealed: Sealed) -> SealedDocument:
    """Return the document."""
    return {
        "key_id": sealed.key_id,
        "wrapped": sealed.wrapped,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
    }


def load(row: Mapping[str, Any]) -> Sealed:
    """Return the domain object."""
    return Sealed(
        row["key_id"], bytes(row["wrapped"]), bytes(row["nonce"]), bytes(row["ciphertext"])
    )
