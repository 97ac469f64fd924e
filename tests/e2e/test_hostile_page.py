"""A page of another web site in a real Chromium: it tries to command every port of the stack.

Chromium takes every name below `evil.example` for this machine, as it would after DNS rebinding.
"""

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest
from playwright.sync_api import Browser, Error, Page

from tests.support.driver import Driver, eventually, fresh

PAGE = "<!doctype html><title>hostile</title>"
PATIENCE_MS = 3000

# Each way a page can send something without asking anybody first. What it can read, it returns.
ATTACK = """
async ({orders, looks, patience}) => {
  const read = [];
  const within = (promise) => Promise.race([
    promise, new Promise((done) => setTimeout(done, patience)),
  ]).catch(() => undefined);
  const sent = (url, method, body, mode) =>
    fetch(url, {method, body, mode, signal: AbortSignal.timeout(patience)});
  const form = (url, body) => new Promise((done) => {
    const frame = Object.assign(document.createElement('iframe'), {name: 'f' + Math.random()});
    const filled = Object.assign(document.createElement('form'),
      {method: 'POST', action: url, target: frame.name, enctype: 'text/plain'});
    const [name, value] = [body.slice(0, -1) + ',"x":"', '"}'];
    filled.append(Object.assign(document.createElement('input'), {name, value, type: 'hidden'}));
    document.body.append(frame, filled);
    frame.onload = () => done();
    filled.submit();
    setTimeout(() => { frame.remove(); filled.remove(); }, patience);
  });
  const loaded = (kind, url) => new Promise((done) => {
    const one = document.createElement(kind);
    one.onload = one.onerror = () => done();
    one.src = url;
    document.body.append(one);
    setTimeout(() => { one.src = 'about:blank'; one.remove(); }, patience);
  });
  const heard = (url) => new Promise((done) => {
    const source = new EventSource(url);
    source.onopen = () => read.push([url, 'stream']);
    source.onerror = () => { source.close(); done(); };
    setTimeout(() => source.close(), patience);
  });
  const socket = (url) => new Promise((done) => {
    const one = new WebSocket(url.replace('http', 'ws'));
    one.onopen = () => { read.push([url, 'web socket']); one.send('{}'); done(); };
    one.onerror = () => done();
    setTimeout(() => one.close(), patience);
  });
  const looked = async (url) => {
    const answer = await fetch(url, {signal: AbortSignal.timeout(patience)});
    if (answer.ok) read.push([url, await answer.text()]);
  };
  await Promise.all(orders.map(([url, body]) => {
    navigator.sendBeacon(url, body);
    return Promise.all([
      within(sent(url, 'POST', body, 'no-cors')),
      within(sent(url, 'POST', new Blob([body], {type: 'application/json'}), 'cors')),
      within(sent(url, 'PUT', body, 'cors')),
      within(sent(url, 'DELETE', undefined, 'cors')),
      within(form(url, body)),
    ]);
  }));
  await Promise.all(looks.map((url) => within(looked(url))));
  for (const way of [(url) => loaded('img', url), (url) => loaded('iframe', url), heard, socket])
    await Promise.all(looks.map((url) => within(way(url))));
  return read;
}
"""


@pytest.fixture
def site(usher: Driver) -> Iterator[int]:
    """The port of a web site of somebody else's."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", usher.settings.starter_port - 20), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def hostile(chromium: Browser, site: int) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://www.evil.example:{site}/")
    yield page
    context.close()


def orders(waiting: str, mark: str) -> Iterator[tuple[str, str]]:
    """Yield (path, body) of what would change something on one port or another."""
    start = f'{{"workflow":"hello_workflow","instance_id":"{mark}","input":"Eve"}}'
    approve = f'{{"instance_id":"{waiting}","event":"approval","data":{{"approved":true}}}}'
    for topic, body in (("workflow-requests", start), ("workflow-events", approve)):
        yield f"/v1.0/publish/pubsub/{topic}", body
    for topic in ("workflow-completions", "workflow-dead-letters"):
        yield f"/v1.0/publish/pubsub/{topic}", f'{{"instance_id":"{mark}"}}'
    engine = "/v1.0/workflows/dapr"
    yield f"{engine}/hello_workflow/start?instanceID={mark}", '{"a":1}'
    yield f"{engine}/{waiting}/raiseEvent/approval", '{"approved":true}'
    yield f"{engine}/{waiting}/terminate", '{"a":1}'
    yield "/v1.0/state/statestore", f'[{{"key":"{mark}","value":{{"a":1}}}}]'
    yield "/v1.0/state/statestore/transaction", '{"operations":[]}'
    yield "/v1.0/shutdown", "{}"
    yield f"/v1.0/metadata/{mark}", '{"a":1}'
    yield "/v1.0/metadata", "{}"
    yield "/events", start
    yield f"/workflows/hello_workflow?instance_id={mark}", '{"name":"Eve"}'
    yield f"/instances/{waiting}/events/approval", '{"approved":true}'
    yield f"/instances/{waiting}", "{}"
    yield f"/start/hello_workflow?instance_id={mark}", '{"a":1}'
    yield "/notices", "{}"
    yield "/stream", "{}"
    yield from etcd_orders(mark)
    yield "/", f"\\r\\nSET {mark} 1\\r\\n"


def etcd_orders(mark: str) -> Iterator[tuple[str, str]]:
    """Yield what has an etcd write a key, and remove every key: all timers of the scheduler."""
    name = base64.b64encode(mark.encode()).decode()
    yield "/v3/kv/put", f'{{"key":"{name}","value":"{name}"}}'
    yield "/v3/kv/deleterange", '{"key":"AA==","range_end":"AA=="}'


def attack(page: Page, url: str, waiting: str, mark: str) -> list[str]:
    """Try everything at one port; return what of it could be read."""
    looks = (
        *("/", "/docs", "/metrics", "/instances", f"/instances/{waiting}", f"/status/{waiting}"),
        *("/events?source=a&id=b", "/parked", "/waiting", "/workflows", "/doctor", "/sidecar"),
        *("/notices", "/dead-letters", "/stream", "/static/page.css", "/healthz", "/nowhere"),
        *("/v1.0/metadata", f"/v1.0/workflows/dapr/{waiting}", "/v1.0/state/statestore/key"),
        *("/v1.0/healthz", f"/v1.0/actors/a/{waiting}/state/key", "/v1.0/secrets/a/b"),
    )
    given = {
        "orders": [(f"{url}{path}", body) for path, body in orders(waiting, mark)],
        "looks": [f"{url}{path}" for path in looks],
        "patience": PATIENCE_MS,
    }
    return [str(found).removeprefix(url) for found, _ in page.evaluate(ATTACK, given)]


def knock(page: Page, urls: list[str], mark: str) -> list[str]:
    """Try at ports that speak no HTTP of ours whether they take anything at all."""
    sent = [("/v1.0/shutdown", '{"a":1}'), *etcd_orders(mark)]
    looks = ("/", "/metrics", "/healthz", "/version", "/v3/kv/range", "/config", "/debug/vars")
    given = {
        "orders": [(f"{url}{path}", body) for url in urls for path, body in sent],
        "looks": [f"{url}{path}" for url in urls for path in looks],
        "patience": PATIENCE_MS,
    }
    return [str(found) for found, _ in page.evaluate(ATTACK, given)]


SERVED = re.compile("(starter|orchestrator|notifier)(_dapr_http)?_port")
COUNTS = re.compile(".+_(metrics|health)_port")
"""Ports that answer counts, or 200 and 503, whatever the path."""


def test_a_page_of_another_site_commands_no_port_and_reads_nothing(
    usher: Driver, hostile: Page
) -> None:
    waiting, mark = fresh("waiting"), fresh("hostile")
    usher.request("approval_workflow", instance_id=waiting, input={"deadline_seconds": 3600})
    usher.running(waiting)
    before = usher.stack.pids()
    urls = {name: f"http://127.0.0.1:{port}" for name, port in usher.settings.ports().items()}
    others = [url for name, url in urls.items() if not SERVED.fullmatch(name)]
    read = knock(hostile, others, mark)
    for name, url in urls.items():
        if SERVED.fullmatch(name):
            read += attack(hostile, url, waiting, mark)
    assert read == []
    nothing_came_of_it(usher, waiting, mark, before)


def test_a_page_under_a_rebound_name_commands_no_port_and_reads_nothing_of_worth(
    usher: Driver, chromium: Browser
) -> None:
    """The browser takes the port for the page's own origin: it reads whatever is answered."""
    waiting, mark = fresh("waiting"), fresh("hostile")
    usher.request("approval_workflow", instance_id=waiting, input={"deadline_seconds": 3600})
    usher.running(waiting)
    before = usher.stack.pids()
    read: dict[str, set[str]] = {}
    for name, port in usher.settings.ports().items():
        url = f"http://evil.example:{port}"
        context = chromium.new_context()
        page = context.new_page()
        with suppress(Error):  # a port that speaks no HTTP, so no page has its origin
            page.goto(f"{url}/nowhere")  # whatever it answers has the origin that counts
            if SERVED.fullmatch(name):
                read[name] = set(attack(page, url, waiting, mark))
            else:
                read[name] = {one.removeprefix(url) for one in knock(page, [url], mark)}
        context.close()
    # What starter's sidecar says of itself: its name, its version, its components' names.
    assert read.pop("scheduler_etcd_peer_port") <= {"/version"}
    served = {name: paths for name, paths in read.items() if paths and not COUNTS.fullmatch(name)}
    assert served == {
        "starter_dapr_http_port": {"/v1.0/metadata", "/v1.0/healthz"},
        "orchestrator_dapr_http_port": {"/v1.0/healthz"},
        "notifier_dapr_http_port": {"/v1.0/healthz"},
    }
    nothing_came_of_it(usher, waiting, mark, before)


def nothing_came_of_it(usher: Driver, waiting: str, mark: str, before: dict[str, int]) -> None:
    done = fresh("hello")
    usher.request("hello_workflow", instance_id=done, input="Ada")  # after all that came before
    assert usher.notice(done)["outcome"] == "COMPLETED"
    assert usher.stack.pids() == before
    assert usher.status(waiting) == "RUNNING"
    assert usher.status(mark) is None
    for listed in ("/notices", "/dead-letters"):
        assert mark not in str(usher.get("notifier", listed, limit=1000)["items"])
    timers = in_etcd(usher)
    assert waiting.encode() in timers  # its deadline
    assert mark.encode() not in timers
    with usher.redis(decode_responses=True) as redis:
        eventually(lambda: list(redis.scan_iter(f"*{mark}*")), lambda keys: keys == [])
    port = usher.settings.starter_dapr_http_port
    metadata = usher.http.get(f"http://127.0.0.1:{port}/v1.0/metadata").json()
    assert mark not in str(metadata)
    usher.event(waiting, "approval", {"approved": False})


def in_etcd(usher: Driver) -> bytes:
    """Everything that the scheduler keeps, as etcd answers it to a program."""
    everything = b"\x0a\x01\x00\x12\x01\x00"  # a RangeRequest from one zero byte to another
    with grpc.insecure_channel(f"127.0.0.1:{usher.settings.scheduler_etcd_client_port}") as channel:
        ask = channel.unary_unary(
            "/etcdserverpb.KV/Range", request_serializer=bytes, response_deserializer=bytes
        )
        return ask(everything, timeout=10)
