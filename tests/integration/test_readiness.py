"""Readiness sees a store or a broker that is there and takes no writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

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
