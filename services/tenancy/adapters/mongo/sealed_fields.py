"""Where sealed secrets lie: found in the types of the documents, so that none can be forgotten."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

from services.tenancy.adapters.mongo import client_key_index
from services.tenancy.adapters.mongo.documents import (
    DOCUMENTS,
    OWN_KEYS,
    SIGNING_KEYS,
    TENANTS,
    SealedDocument,
)
from services.tenancy.domain.secret import Place
from services.tenancy.domain.signing_keys import SigningKey
from services.tenancy.domain.tenants import Install, InstallSecret, SystemToken

Row = Mapping[str, Any]
PlaceOf = Callable[[str, Row], Place]
"""(id of the document, what holds the sealed secret) to its place."""

_PLACES: Mapping[tuple[str, str], PlaceOf] = {
    (TENANTS, "install.client_key"): lambda key, _: Install.client_key_place(key),
    (TENANTS, "install.current.sealed"): lambda key, held: InstallSecret.place_of(
        key, held["version"]
    ),
    (TENANTS, "install.previous.sealed"): lambda key, held: InstallSecret.place_of(
        key, held["version"]
    ),
    (TENANTS, "forge.token.sealed"): lambda key, held: SystemToken.place_of(key, held["version"]),
    (SIGNING_KEYS, "private"): lambda key, _: SigningKey.place_of(key),
    (OWN_KEYS, "sealed"): lambda key, _: client_key_index.place_of(key),
}


@dataclass(frozen=True)
class SealedField:
    """One field of a collection that holds a sealed secret, or nothing."""

    collection: str
    path: str
    """With dots, as in a filter."""
    place_of: PlaceOf
    guarded: bool
    """Whether documents of the collection have a ``rev``."""

    def within(self, row: Row) -> tuple[Row, Row] | None:
        """Return the sealed document and what holds it; None when there is none."""
        holder: Row = row
        *outer, last = self.path.split(".")
        for name in outer:
            found = holder.get(name)
            if found is None:
                return None
            holder = found
        sealed = holder.get(last)
        return None if sealed is None else (sealed, holder)


def sealed_paths(document: type) -> Iterator[str]:
    """Yield the path of every sealed secret of a document's type, nested ones included."""
    for name, hint in get_type_hints(document).items():
        yield from _walk(name, hint)


def _walk(path: str, hint: Any) -> Iterator[str]:
    if hint is SealedDocument:
        yield path
    elif is_typeddict(hint):
        for name, inner in get_type_hints(hint).items():
            yield from _walk(f"{path}.{name}", inner)
    elif get_origin(hint) in {Union, UnionType}:
        for option in get_args(hint):
            yield from _walk(path, option)
    elif any(True for argument in get_args(hint) for _ in _walk(path, argument)):
        raise TypeError(f"{path}: secrets in lists and maps have no place of their own")


def _fields() -> Iterator[SealedField]:
    for collection, document in DOCUMENTS.items():
        guarded = "rev" in get_type_hints(document)
        for path in sealed_paths(document):
            # a KeyError here: say in _PLACES what the new secret is bound to
            yield SealedField(collection, path, _PLACES[collection, path], guarded)


SEALED_FIELDS: tuple[SealedField, ...] = tuple(_fields())
