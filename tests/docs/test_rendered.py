"""The committed documents are what the code renders, and they are valid."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contracts.routes import owner_of
from contracts.tenancy import SERVICES
from contracts.topics import TOPICS
from tools.docs import asyncapi, inventory, openapi
from tools.docs.__main__ import ROOT, stale

HTTP_METHODS = {"get", "post", "put", "delete", "patch"}


def test_committed_documents_are_those_that_the_code_renders() -> None:
    old = sorted(str(path.relative_to(ROOT)) for path in stale(ROOT))
    assert old == [], "run make docs and commit"


def test_asyncapi_document_is_valid() -> None:
    schema = json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(asyncapi.document())


def test_asyncapi_document_has_every_topic_and_no_dangling_reference() -> None:
    document = asyncapi.document()
    assert {t.name for t in TOPICS} <= document["channels"].keys()
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    return {name: json.loads(text) for name, text in openapi.render().items()}


@pytest.mark.parametrize("service", SERVICES)
def test_every_documented_path_reaches_the_service_that_documents_it(
    documents: dict[str, Any], service: str
) -> None:
    for path in documents[service]["paths"]:
        # a template stands for any value, except in link ids, whose parity decides
        example = re.sub(r"\{[^}]+\}", "1" if service == "testcases" else "2", path)
        assert owner_of(example) == service, path


@pytest.mark.parametrize("service", SERVICES)
def test_every_v2_operation_asks_for_a_token(documents: dict[str, Any], service: str) -> None:
    for path, methods in documents[service]["paths"].items():
        for method in methods.keys() & HTTP_METHODS:
            if path.startswith("/v2/") and path != "/v2/healthcheck":
                assert methods[method].get("security") == [{"token": []}], f"{method} {path}"
                assert "401" in methods[method]["responses"]
                assert "422" not in methods[method]["responses"]


@pytest.mark.parametrize("service", SERVICES)
def test_openapi_references_resolve(documents: dict[str, Any], service: str) -> None:
    for reference in _references(documents[service]):
        found: Any = documents[service]
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_field_of_the_inventory_has_a_data_class() -> None:
    missing = [f"{holder}: {f.path}" for holder, f in inventory.all_fields() if not f.data_class]
    assert missing == []


def test_every_indexed_collection_is_in_the_inventory() -> None:
    for service, indexes in inventory.INDEXES.items():
        known = {*inventory.STORED[service], *inventory.COPIES}
        assert set(indexes) <= known, service


def test_no_contract_holds_a_secret() -> None:
    secret = [h for h, f in inventory.all_fields() if f.data_class == "secret" and "." not in h]
    secret += [h for h, f in inventory.all_fields() if f.data_class == "secret" and "ostro." in h]
    assert secret == []


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
