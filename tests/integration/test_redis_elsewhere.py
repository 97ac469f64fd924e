"""The stack on a Redis that somebody else runs: TLS both ways, a user with few rights.

And what each command and service says where the settings are wrong: one line, within seconds.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chassis.redis_settings import RedisAddress
from notifier.records.redis_store import RedisStore
from tests.integration.test_promises import _settled, _start, _tick
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh
from tests.support.guarded_redis import GuardedRedis, guarded_redis
from tests.support.stack import PORTS_BESIDE, ROOT, up
from usher.commands.app import app
from usher.stack.settings import StackSettings

pytestmark = pytest.mark.xdist_group("redis_elsewhere")

BESIDE = PORTS_BESIDE + 390


@pytest.fixture(scope="module")
def guarded() -> Iterator[GuardedRedis]:
    unused = StackSettings().shifted(BESIDE)  # ports on which this stack runs nothing
    folder = ROOT / "build" / f"guarded-redis-{BESIDE}"
    with guarded_redis(folder, unused.redis_port, unused.kafka_port) as redis:
        yield redis


@pytest.fixture(scope="module")
def usher(guarded: GuardedRedis) -> Iterator[Driver]:
    where = guarded.address
    login: dict[str, Any] = {"redis_username": where.username, "redis_password": where.password}
    for name in ("ca_file", "cert_file", "key_file"):
        login[f"redis_{name}"] = getattr(where, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTIFIER_TRIM_SECONDS", "1")
        with up(BESIDE, redis_url=where.url, **login) as driver:
            yield driver


def test_the_promises_hold_and_no_command_is_denied(usher: Driver, guarded: GuardedRedis) -> None:
    assert "redis" not in usher.stack.names()
    event_id, instance = fresh("event"), fresh("count")
    for _ in range(5):
        _start(usher, event_id, instance, events=8, seconds=120)
    for number in range(8):
        _tick(usher, instance, number)
    assert usher.notice(instance, 60)["output"] == list(range(8))
    assert len(usher.notices(instance)) == 1
    _settled(usher, event_id)
    early = fresh("early")
    usher.event(early, "tick", 0)
    usher.request("counting_workflow", instance_id=early, input={"events": 1, "file": "/dev/null"})
    assert usher.notice(early, 60)["output"] == [0]
    unknown = fresh("event")
    usher.cloudevent("workflow-requests", unknown, {"workflow": "no_such_workflow"})
    letter = usher.dead_letter(unknown)
    run_usher(usher, "redrive", "--id", letter["id"], "--yes", code=None)
    eventually(lambda: usher.dead_letter(unknown)["attempts"], lambda attempts: attempts == 2)
    with usher.away("orchestrator-daprd"):  # what it held is claimed again
        away = fresh("hello")
        usher.request("hello_workflow", instance_id=away, input="Ada")
    assert usher.notice(away, 60)["outcome"] == "COMPLETED"
    told = eventually(lambda: run_usher(usher, "audit"), lambda told: not told["open"])
    assert (told["unaccounted"], told["not_seen"]) == (0, {})
    told = run_usher(usher, "doctor", code=3)
    assert told["refusals"] == 0
    assert [one.partition(":")[0] for one in told["not_seen"]] == ["Redis, how it is configured"]
    with guarded.admin() as admin:
        eventually(lambda: admin.exists("usher:trimmed"), bool)
        assert {one["object"] for one in admin.acl_log()} <= {"config|get", "config"}
        topics = {one["channel"] for one in usher.get("orchestrator", "/routes")["items"]}
        own = ("workflow-", "usher:", "orchestrator||")
        assert {key for key in admin.scan_iter() if not key.startswith(own)} <= topics


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "password": ({"password": "guessed"}, "USHER_REDIS_PASSWORD"),
    "user": ({"username": "nobody"}, "USHER_REDIS_USERNAME"),
    "tls_to_a_plain_port": ({"port": "plain"}, "USHER_REDIS_TLS is not set"),
    "plain_to_a_tls_port": ({"tls": False}, "USHER_REDIS_TLS is true"),
    "client": ({"cert_file": None, "key_file": None}, "USHER_REDIS_CERT_FILE"),
    "authority": ({"ca_file": None}, "USHER_REDIS_CA_FILE"),
    "port": ({"port": 1}, "USHER_REDIS_HOST says where"),
    "host": ({"host": "no-such-host.invalid"}, "USHER_REDIS_HOST says where"),
}


@pytest.fixture(params=WRONG)
def wrong(request: pytest.FixtureRequest, guarded: GuardedRedis) -> tuple[RedisAddress, str]:
    changes, named = WRONG[request.param]
    plain = {"port": guarded.plain_port} if changes.get("port") == "plain" else {}
    return replace(guarded.address, **(changes | plain)), named


@pytest.fixture
def environment(usher: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that has commands use a Redis, and the services of the stack."""
    for name in [name for name in os.environ if name.startswith("USHER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("USHER_DATA_DIR", str(tmp_path / "data"))
    for service in ("orchestrator", "notifier"):
        monkeypatch.setenv(f"USHER_{service.upper()}_URL", usher.url(service, ""))

    def use(address: RedisAddress) -> None:
        login = {"USHER_REDIS_PASSWORD": address.password}
        for name, value in (address.variables() | login).items():
            monkeypatch.setenv(name, value)

    return use


def test_each_command_says_what_is_wrong_in_one_line(
    wrong: tuple[RedisAddress, str], environment: Any
) -> None:
    address, named = wrong
    environment(address)
    for words, code in ((["up"], 1), (["audit"], 3), (["doctor"], 3)):
        told = CliRunner().invoke(app, words)
        assert told.exit_code == code, told.output
        said = " ".join(told.output.split())
        assert f"Redis at {address.url} " in said
        assert named in said
        assert "Traceback" not in said
        assert "guessed" not in said


async def test_the_notifier_is_not_ready_and_says_why(wrong: tuple[RedisAddress, str]) -> None:
    address, named = wrong
    store = RedisStore(address, keep=10)
    why = await store.refuses()
    assert why is not None
    assert named in why
    assert "\n" not in why
    assert not await store.answers()
    await store.close()


def test_a_redis_of_somebody_else_is_not_emptied(usher: Driver, environment: Any) -> None:
    assert usher.settings.redis
    environment(usher.settings.redis)
    told = CliRunner().invoke(app, ["up", "--fresh"])
    assert told.exit_code == 1
    assert "--fresh does not empty the Redis at" in " ".join(told.output.split())
