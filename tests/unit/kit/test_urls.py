"""URLs that a browser would execute."""

import pytest

from kit.http.urls import executed_scheme


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("javascript:alert(1)", "javascript"),
        ("JaVaScRiPt:alert(1)", "javascript"),
        ("data:text/html,<script>alert(1)</script>", "data"),
        ("vbscript:msgbox(1)", "vbscript"),
        ("blob:https://a.example/9115d58c", "blob"),
        ("file:///etc/passwd", "file"),
        ("  javascript:alert(1)", "javascript"),
        ("\x00\x01\x1f javascript:alert(1)", "javascript"),
        ("java\nscript:alert(1)", "javascript"),
        ("\tj\ta\rva\nscript\t:alert(1)", "javascript"),
        ("\ufeff\u00a0\u200b\u2028javascript:alert(1)", "javascript"),
    ],
)
def test_what_a_browser_executes_is_named(url: str, scheme: str) -> None:
    assert executed_scheme(url) == scheme


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/?next=javascript:alert(1)",
        "HTTP://a.example/",
        "mailto:qa@a.example",
        "jira://issue/1",
        "a page without a scheme",
        "wiki/javascript:notes",
        "javascript",
        "java script:alert(1)",
        "%6aavascript:alert(1)",
        "javascripts:x",
        "about data: none",
        "Ünïcode: text",
        " ",
        "",
    ],
)
def test_any_other_text_stays(url: str) -> None:
    assert executed_scheme(url) is None
