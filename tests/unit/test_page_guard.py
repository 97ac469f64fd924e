"""Who may act through the page: the page itself and programs, but no other web site."""

import pytest

from notifier.page.guard import objection

HOST = "127.0.0.1:8082"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "anything"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin"},
        {"host": HOST, "sec-fetch-site": "none"},
        {"host": "localhost:8082", "origin": "http://localhost:8082"},
        {"host": "[::1]:8082", "origin": "http://[::1]:8082"},
        {"host": "usher.example", "origin": "https://usher.example"},
    ],
)
def test_the_page_itself_and_programs_may(headers: dict[str, str]) -> None:
    assert objection(headers, ("usher.example",)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": HOST, "origin": "http://evil.example"},
        {"host": HOST, "origin": "null"},
        {"host": HOST, "origin": "http://127.0.0.1:8080"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "cross-site"},
        {"host": HOST, "sec-fetch-site": "same-site"},
        # A name of theirs that they let point at us: then origin and host agree.
        {"host": "evil.example:8082", "origin": "http://evil.example:8082"},
        {"host": "127.0.0.1.evil.example:8082", "origin": "http://127.0.0.1.evil.example:8082"},
        {"origin": "http://evil.example"},
    ],
)
def test_another_site_may_not(headers: dict[str, str]) -> None:
    assert objection(headers, ()) is not None
