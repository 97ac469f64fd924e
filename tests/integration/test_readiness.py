"""Readiness sees a store that takes no writes, and a service that has no sidecar."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
import pytest
from redis import Redis

from tests.support.driver import Driver, eventually, fresh

SERVICES = ("starter", "orchestrator", "notifier")


@contextmanager
def set_to(redis: Redis, name: str, value: str) -> Iterator[None]:
    before = str(redis.config_get(name)[name])
    redis.config_set(name, value)
    try:
        yield
    finally:
        redis.config_set(name, before)


def said(usher: Driver, service: str) -> tuple[int, str]:
    answer = usher.http.get(usher.url(service, "/readyz"))
    return answer.status_code, answer.json()["status"]


@pytest.mark.parametrize(("setting", "value"), [("maxmemory", "1"), ("min-replicas-to-write", "1")])
def test_no_service_is_ready_while_redis_refuses_writes(
    usher: Driver, setting: str, value: str
) -> None:
    instance = fresh("waits")
    redis = usher.redis(decode_responses=True)
    with redis, set_to(redis, setting, value):
        assert usher.post(f"/start/{instance}").status_code == 503
        for status, why in (said(usher, service) for service in SERVICES):
            assert status == 503
            assert "refuses" in why or "accepts no events" in why
    for service in SERVICES:
        eventually(partial(said, usher, service), lambda told: told == (200, "ready"))
    usher.request("hello_workflow", instance_id=instance)
    assert usher.notice(instance)["outcome"] == "COMPLETED"


def ready(url: str) -> tuple[int, str]:
    try:
        answer = httpx.get(url, trust_env=False)
    except httpx.TransportError as error:
        return 0, str(error)
    return answer.status_code, answer.json()["status"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_without_a_sidecar_is_not_ready_and_says_why(usher: Driver, service: str) -> None:
    """Where Dapr's injector has passed a pod over, no sidecar comes."""
    port, topics, nobody = (
        getattr(usher.settings.shifted(7), name)
        for name in (f"{service}_port", "notifier_topic_port", f"{service}_dapr_http_port")
    )
    name, redis = service.upper(), f"redis://127.0.0.1:{usher.settings.redis_port}"
    own = {
        f"{name}_PORT": port,
        f"{name}_TOPIC_PORT": topics,
        "DAPR_HTTP_PORT": nobody,
        "USHER_REDIS_URL": redis,
        "USHER_REDIS_PASSWORD": usher.stack.secrets.redis_password,
    }
    env = {**os.environ, **{key: str(value) for key, value in own.items()}}
    with subprocess.Popen([sys.executable, "-m", service], env=env) as alone:
        try:
            url = f"http://127.0.0.1:{port}/readyz"
            status, why = eventually(lambda: ready(url), lambda said: said[0] != 0, 60)
            assert (status, f"no sidecar answers at http://127.0.0.1:{nobody}" in why) == (
                503,
                True,
            )
            assert "was the pod injected" in why
        finally:
            alone.terminate()
