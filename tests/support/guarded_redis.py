"""A Redis as people run it: TLS by an authority of its own, and a user with what Usher needs only.

It has a plain port, too, so that a client with TLS can be wrong there.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis, RedisError

from chassis.redis_settings import RedisAddress
from tests.support.driver import eventually
from tests.support.prepare import tell
from usher.stack.redis import find_or_install

USER, PASSWORD = "usher", "s3cret"
PERMITTED = (
    "ping select info scan exists del expire persist multi exec watch unwatch eval"
    " get set hget hset hdel hmget hgetall hincrby time"
    " zadd zcard zrange zrem zrevrange zmscore"
    " xadd xack xclaim xgroup|create xinfo|stream xinfo|groups xpending xrange xread xreadgroup"
    " xrevrange xtrim"
)
"""The commands that Usher and its sidecars use; docs/brokers-and-stores.md has them."""
_CONFIGURATION = """
bind 127.0.0.1
port {plain}
tls-port {tls}
tls-cert-file {folder}/server.pem
tls-key-file {folder}/server.key
tls-ca-cert-file {folder}/ca.pem
tls-auth-clients yes
dir {folder}
save ""
appendonly yes
user default off
user admin on >admin ~* &* +@all
user {user} on >{password} ~* &* -@all {permitted}
"""


@dataclass(frozen=True)
class GuardedRedis:
    """One that runs."""

    address: RedisAddress
    plain_port: int

    def admin(self) -> Redis:
        options = self.address.options() | {"username": "admin", "password": "admin"}
        return Redis(**options, decode_responses=True)


@contextmanager
def guarded_redis(folder: Path, tls: int, plain: int) -> Iterator[GuardedRedis]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes certificates")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _certificates(folder)
    file = folder / "redis.conf"
    permitted = " ".join(f"+{one}" for one in PERMITTED.split())
    names = {"folder": folder, "user": USER, "password": PASSWORD, "permitted": permitted}
    file.write_text(_CONFIGURATION.format(plain=plain, tls=tls, **names))
    files = (folder / name for name in ("ca.pem", "client.pem", "client.key"))
    address = RedisAddress("localhost", tls, 2, USER, PASSWORD, True, *files)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [find_or_install(tell), file], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        eventually(lambda: _answers(address), bool)
        yield GuardedRedis(address, plain)
    finally:
        server.terminate()
        server.wait(10)


def _answers(address: RedisAddress) -> bool:
    try:
        with Redis(**address.probe_options()) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _certificates(folder: Path) -> None:
    """Make an authority, and certificates for localhost and for a client that it has signed."""
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch"
    signed = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names"
    commands = [f"{new} -x509 -days 2 -keyout ca.key -out ca.pem -subj /CN=usher-tests"]
    for name, subject in (("server", "localhost"), ("client", "usher")):
        commands += [
            f"{new} -keyout {name}.key -out {name}.csr -subj /CN={subject}",
            f"x509 -req -in {name}.csr -out {name}.pem {signed}",
        ]
    for words in commands:
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)
