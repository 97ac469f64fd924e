"""The page of an error, for people: what is wrong, and the way home."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from chassis.problem import Problem
from notifier.page.rendering import page


def wants_page(request: Request) -> bool:
    """Tell a browser that goes to a page from a program, and from a script of the page."""
    return "text/html" in request.headers.get("accept", "")


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    """Show a problem in the page's style."""
    return page(request, "problem.html", problem.status, problem=problem)
