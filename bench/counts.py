"""Counts what a workflow costs in calls, which no busy machine can blur.

Redis commands, those inside its scripts too, and bytes; calls served by orchestrator's sidecar;
jobs of the scheduler.
"""

import re
from collections import Counter
from typing import Any

import httpx
from redis import Redis

from usher.stack.settings import LOOPBACK, StackSettings

_CALLS = re.compile(
    r'^dapr_grpc_io_server_completed_rpcs\{[^}]*?grpc_server_method="([^"]+)".*\} (\S+)$', re.M
)
_JOBS = re.compile(r"^dapr_scheduler_jobs_created_total\{.*\} (\S+)$", re.M)

_SIZES = {
    "received": "total_net_input_bytes",
    "sent": "total_net_output_bytes",
    "file": "aof_current_size",
    "memory": "used_memory",
}


def calls(settings: StackSettings, on_dapr: bool = True) -> Counter[str]:
    """Return the counts since the stack was started, as `redis hget` or `sidecar GetState`.

    Those of sidecar and scheduler only where the stack is `on_dapr`.
    """
    if not on_dapr:
        return _redis(settings.redis_port)
    sidecar = served(_metrics(settings.orchestrator_dapr_metrics_port))
    return _redis(settings.redis_port) + sidecar + jobs(_metrics(settings.scheduler_metrics_port))


def _redis(port: int) -> Counter[str]:
    with Redis(host=LOOPBACK, port=port, decode_responses=True) as redis:
        stats: Any = redis.info("commandstats")
    counted = {name.removeprefix("cmdstat_"): int(one["calls"]) for name, one in stats.items()}
    return Counter({f"redis {name}": number for name, number in counted.items() if number})


def sizes(settings: StackSettings) -> Counter[str]:
    """Return the bytes that Redis has taken in, given out, and keeps in its file and in memory."""
    with Redis(host=LOOPBACK, port=settings.redis_port, decode_responses=True) as redis:
        told: Any = redis.info()
    return Counter({what: int(told[field]) for what, field in _SIZES.items()})


def _metrics(port: int) -> str:
    return httpx.get(f"http://{LOOPBACK}:{port}/", trust_env=False, timeout=5).text


def served(metrics: str) -> Counter[str]:
    """Return how often each gRPC method was served, from a sidecar's metrics."""
    found: Counter[str] = Counter()
    for method, number in _CALLS.findall(metrics):
        found[f"sidecar {method.rsplit('/')[-1]}"] += int(float(number))
    return found


def jobs(metrics: str) -> Counter[str]:
    """Return how many jobs were created, from a scheduler's metrics."""
    return Counter({"scheduler jobs": sum(int(float(one)) for one in _JOBS.findall(metrics))})
