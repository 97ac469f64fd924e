"""The work on DBOS Transact: a library in the worker, whose state is in Postgres or SQLite."""

import os
from typing import Any

from dbos import DBOS, SetWorkflowID

from bench.peers import work
from bench.peers.streams import COMPLETIONS, REQUESTS, connect, consume, packed

THREADS = 16
"""Starts at once; each is a commit."""

broker = connect()
reserve = DBOS.step(name="reserve")(work.reserve)
charge = DBOS.step(name="charge")(work.charge)


@DBOS.step()
def publish(notice: dict[str, Any]) -> None:
    broker.xadd(COMPLETIONS, packed(notice))


@DBOS.workflow()
def bench_workflow(order: dict[str, Any]) -> dict[str, Any]:
    charged: dict[str, Any] = charge(reserve(order))
    publish({"instance": DBOS.workflow_id, "output": charged})
    return charged


def on_request(request: dict[str, Any]) -> None:
    with SetWorkflowID(request["id"]):
        DBOS.start_workflow(bench_workflow, request["input"])


def main() -> None:
    url = os.environ["PEER_DATABASE"]
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "WARNING"})
    DBOS.launch()
    consume(REQUESTS, on_request, THREADS)


if __name__ == "__main__":
    main()
