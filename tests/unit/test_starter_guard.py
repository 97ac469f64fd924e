"""Who may publish through the starter: programs and its own pages, but no other web site."""

import pytest

from tests.support.neighbours import PROBLEM, Neighbours

HOST = "service"
"""Under which name the tests find the starter."""


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": f"http://{HOST}"},
        {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"},
        {"origin": "http://behind.a.proxy", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_programs_and_its_own_pages_may(headers: dict[str, str]) -> None:
    around = Neighbours()
    assert around.ask("POST", "/start/Ada", headers=headers).status_code == 202
    assert around.the_one()


@pytest.mark.parametrize("path", ["/start/Ada", "/workflows/hello_workflow", "/events"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"http://{HOST}:8082"},
        {"origin": f"http://{HOST}", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_may_not(path: str, headers: dict[str, str]) -> None:
    around = Neighbours()
    answer = around.ask("POST", path, headers=headers, content=b"{}")
    assert answer.status_code == 403
    assert answer.headers["content-type"] == PROBLEM
    assert "another web site" in answer.json()["detail"]
    assert around.published == []
