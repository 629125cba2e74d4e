"""The stand-in's canonical request against the vectors of three vendor libraries."""

import json
from pathlib import Path
from typing import Any

import pytest

from devstack.jira.qsh import base_path_of, canonical_request, query_string_hash

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "jwt-vectors.json").read_text(encoding="utf-8")
)
BINDING = [case for case in VECTORS["qsh"] if case["status"] in ("agreed", "disputed")]


def test_the_vector_file_is_the_one_we_know() -> None:
    assert len(BINDING) == VECTORS["counts"]["agreed"] + VECTORS["counts"]["disputed"] == 57


@pytest.mark.parametrize("case", BINDING, ids=[case["id"] for case in BINDING])
def test_canonical_request_and_hash(case: dict[str, Any]) -> None:
    base_path = base_path_of(case["base_url"] or "")
    assert canonical_request(case["method"], case["url"], base_path) == case["expected_canonical"]
    assert query_string_hash(case["method"], case["url"], base_path) == case["expected_qsh"]


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("https://app.example.com", ""),
        ("https://app.example.com/", ""),
        ("http://127.0.0.1:8000/jira-app/", "/jira-app"),
        ("not a url", ""),
    ],
)
def test_base_path(base_url: str, path: str) -> None:
    assert base_path_of(base_url) == path
