"""The canonical request beyond the vectors: what must not matter, and what must."""

from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from services.tenancy.domain.qsh import base_path_of, canonical_request, query_string_hash

TEXT = st.text(max_size=12)
PAIRS = st.lists(st.tuples(TEXT.filter(lambda name: name != "jwt"), TEXT), max_size=6)


def query(pairs: list[tuple[str, str]]) -> str:
    return "&".join("=".join(quote_plus(t, errors="replace") for t in pair) for pair in pairs)


@given(PAIRS, st.randoms())
def test_order_of_parameters_does_not_matter(pairs: list[tuple[str, str]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert query_string_hash("GET", f"/a?{query(pairs)}", "") == query_string_hash(
        "get", f"/a?{query(shuffled)}", ""
    )


@given(PAIRS, TEXT)
def test_the_token_parameter_is_left_out_and_no_other(
    pairs: list[tuple[str, str]], token: str
) -> None:
    plain = canonical_request("GET", f"/a?{query(pairs)}", "")
    carried = query([*pairs, ("jwt", token)])
    assert canonical_request("GET", f"/a?{carried}", "") == plain
    other = query([*pairs, ("JWT", token)])
    assert canonical_request("GET", f"/a?{other}", "") != plain


@given(st.text(max_size=30))
def test_any_wire_text_has_a_hash(target: str) -> None:
    assert len(query_string_hash("POST", target, "/base")) == 64


def test_base_path_is_cut_at_a_segment_boundary_only() -> None:
    assert base_path_of("https://app.example.com/jira-app/") == "/jira-app"
    assert canonical_request("GET", "/jira-application/x", "/jira-app") == (
        "GET&/jira-application/x&"
    )
    assert canonical_request("GET", "/jira-app/x", "/jira-app") == "GET&/x&"
