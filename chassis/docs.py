"""Swagger UI at `/docs`, with local files: it works without a network."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

FILES = "docs-files"
ASSETS = Path(str(files("fastapi_offline"))) / "static"


def serve_docs(app: FastAPI) -> None:
    """Serve Swagger UI of `app`, which must have neither `docs_url` nor `redoc_url`."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{app.title} · Swagger UI",
        swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES}/swagger-ui.css",
        swagger_favicon_url=f"{FILES}/favicon.png",
    ).body
    policy = _policy(bytes(page).decode())

    async def docs() -> Response:
        headers = {"content-security-policy": policy, "x-content-type-options": "nosniff"}
        return Response(bytes(page), media_type="text/html", headers=headers)

    app.add_api_route("/docs", docs, include_in_schema=False)
    app.mount(f"/{FILES}", StaticFiles(directory=ASSETS))


def _policy(page: str) -> str:
    """Return the page's content security policy: only its own inline scripts and our files."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    own = (f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    return (
        f"default-src 'none'; script-src 'self' {' '.join(own)}; connect-src 'self'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
