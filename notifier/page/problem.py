"""The error page for people: what is wrong, and a link back."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from chassis.problem import Problem
from notifier.page.rendering import page


def wants_page(request: Request) -> bool:
    """Return whether a browser loads a page, rather than a program or the page's script asking."""
    return "text/html" in request.headers.get("accept", "")


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    """Render a problem as a page."""
    return page(request, "problem.html", problem.status, problem=problem)
