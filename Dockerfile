# One image: the three services and the `usher` command. `docker compose` builds it; so does
# `docker build -t usher .`, with BuildKit or without. Nothing that only builds is in its last stage.

FROM python:3.11-slim-bookworm AS build
ENV UV_PROJECT_ENVIRONMENT=/usher UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_NO_CACHE=1 \
    UV_COMPILE_BYTECODE=1
WORKDIR /source
COPY pyproject.toml uv.lock ./
# The uv that the lock names. Neither it nor the rest of the extra `stack` comes into /usher.
RUN python -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir \
        "uv==$(sed -n '/^name = "uv"$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)"
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project
COPY . .
# ReDoc comes with Swagger UI's files, and nothing serves it. The CEL engine's own command line is left out.
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-editable \
 && /opt/uv/bin/uv pip uninstall --quiet --python /usher/bin/python prompt-toolkit wcwidth \
 && rm /usher/lib/python3.11/site-packages/fastapi_offline/static/redoc.standalone.js

FROM python:3.11-slim-bookworm AS usher
RUN PIP_ROOT_USER_ACTION=ignore python -m pip uninstall --yes --quiet pip setuptools wheel
COPY --from=build /usher /usher
ENV PATH=/usher/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    STARTER_HOST=0.0.0.0 ORCHESTRATOR_HOST=0.0.0.0 NOTIFIER_HOST=0.0.0.0 \
    USHER_READY_URL=http://127.0.0.1:8080/readyz
# A new volume that is mounted there has its owner, and nobody else gets in.
RUN install -d -o 65532 -g 65532 -m 700 /secrets
USER 65532:65532
WORKDIR /tmp
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=5 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(os.environ['USHER_READY_URL'], timeout=4)"]
# Or orchestrator, or notifier, each with a USHER_READY_URL of its own; or `usher`.
CMD ["python", "-m", "starter"]

# For docker compose alone: a sidecar whose tokens come from a volume (usher/stack/with_tokens.py), as the
# public image has no shell, and daprd takes them from its environment only.
FROM daprio/daprd:1.18.2 AS dapr
FROM usher AS daprd
COPY --from=dapr /daprd /daprd

FROM usher
