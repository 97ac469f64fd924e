"""What the figures were taken on, for whoever reads them elsewhere."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.peers.tools import Tools
from usher.stack.spec import Binaries
from usher.stack.toolbox import version_of

Description = dict[str, str | float | int | None]


def describe(binaries: Binaries, tools: Tools | None = None) -> Description:
    """Return processor, memory, system and versions, and how busy it was when asked."""
    one_minute, _, fifteen_minutes = os.getloadavg()
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "dapr_runtime": version_of(binaries.daprd, "--version"),
        "dapr_sdk": version("dapr"),
        "grpcio": version("grpcio"),
        "redis": version_of(binaries.redis_server, "--version"),
        "load_before_1_min": round(one_minute, 2),
        "load_before_15_min": round(fifteen_minutes, 2),
        **(tools.versions() if tools else {}),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
