// The live page: whenever something changes, it loads itself again and replaces what is new.
// The server renders everything. A data-key identifies a row. A row that has not changed stays as it
// is, with its focus, its open details and the text typed into it.

const SOURCE = new WeakMap(); // element → the HTML that it was made from
const SLOWEST = 3000; // ms between two refreshes for changes without an event: waits and parked events
const SHARE = 10; // loading takes at most a tenth of the time

const body = document.body;
const news = document.getElementById("news");
const said = document.getElementById("said");

// --- times in the reader's own zone --------------------------------------------------------------

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

function showTimes(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const far = at.toDateString() === today ? "" : `${day.format(at)}, `;
    time.textContent = far + clock.format(at);
  }
}

// --- replacing what is new -----------------------------------------------------------------------

function remember(region) {
  for (const child of region.children) SOURCE.set(child, child.outerHTML);
}

function carryOver(from, to) {
  for (const details of from.querySelectorAll("details[open][id]")) {
    const same = to.querySelector(`[id="${CSS.escape(details.id)}"]`);
    if (same) same.open = true;
  }
  for (const typed of from.querySelectorAll("textarea[id]")) {
    const same = to.querySelector(`[id="${CSS.escape(typed.id)}"]`);
    if (same && typed.value !== typed.defaultValue) same.value = typed.value;
  }
}

function replaceRows(region, fresh) {
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const old = new Map([...region.children].map((child) => [child.dataset.key, child]));
  const wanted = [...fresh.children].map((child) => {
    const html = child.outerHTML;
    const known = old.get(child.dataset.key);
    if (known && SOURCE.get(known) === html) return known;
    const node = document.importNode(child, true);
    SOURCE.set(node, html);
    showTimes(node);
    if (known) carryOver(known, node);
    else if (region.id === "feed") node.classList.add("new");
    return node;
  });
  const keep = new Set(wanted);
  for (const child of [...region.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((node, place) => {
    if (region.children[place] !== node) region.insertBefore(node, region.children[place] ?? null);
  });
  if (focused && document.activeElement !== focused) {
    const again = focused.id && document.getElementById(focused.id);
    const title = document.getElementById(region.getAttribute("aria-labelledby"));
    for (const next of [again, title, document.getElementById("main")]) {
      next?.focus({ preventScroll: true });
      if (next && document.activeElement === next) break;
    }
  }
}

// --- refreshing: at once after an event, at intervals for the rest --------------------------------

let asking = false;
let askAgain = false;
let timer = 0;

function refreshIn(ms) {
  clearTimeout(timer);
  if (ms > 0) timer = setTimeout(refresh, ms);
  else refresh();
}

async function refresh() {
  clearTimeout(timer);
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  askAgain = false;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    // An error page still says which service is away; the other regions stay as they are.
    for (const region of document.querySelectorAll("[data-region]")) {
      const found = fresh.getElementById(region.id);
      if (found && (answer.ok || region.id === "sources")) replaceRows(region, found);
    }
    answers = answer.ok;
  } catch {
    answers = false;
  }
  asking = false;
  showConnection();
  const rest = SHARE * (performance.now() - began);
  if (askAgain) refreshIn(Math.min(rest, 1000));
  else if (!document.hidden) refreshIn(Math.max(SLOWEST, rest));
}

// --- the stream ----------------------------------------------------------------------------------

let last = body.dataset.last;
let source = null;
let connected = false;
let counts = {};
let announcing = 0;

// Live means: the stream is connected, the page answers, and so do the services behind it.
let streams = false;
let answers = true;
let liveAt = new Date();

// The oldest time that the page names, else the last time that all of it was live.
function shownAsOf() {
  const named = [...document.querySelectorAll("#sources [data-stale] time")];
  return named.map((time) => new Date(time.dateTime)).reduce((a, b) => (b < a ? b : a), liveAt);
}

function showConnection() {
  const connection = document.getElementById("connection");
  if (!connection) return;
  const live = answers && !document.querySelector("#sources [data-stale]");
  if (live && (streams || !connected)) liveAt = new Date();
  if (!streams && !connected && live) return;
  const since = clock.format(shownAsOf());
  const [state, text] = !streams
    ? ["lost", `Reconnecting… Shown as of ${since}`]
    : live
      ? ["on", "Live"]
      : ["stale", `Not live. Shown as of ${since}`];
  connection.dataset.state = state;
  const label = connection.querySelector(".text");
  if (label.textContent !== text) label.textContent = text;
}

function announce(kind) {
  counts[kind] = (counts[kind] ?? 0) + 1;
  if (announcing) return;
  // In batches, since a screen reader could not keep up with single messages.
  announcing = setTimeout(() => {
    const parts = Object.entries(counts).map(([what, n]) => `${n} new ${what}${n > 1 ? "s" : ""}`);
    news.textContent = parts.join(", ");
    counts = {};
    announcing = 0;
  }, 4000);
}

function onChange(kind) {
  return (event) => {
    last = event.lastEventId || last;
    announce(kind);
    refresh();
  };
}

function connect() {
  source = new EventSource(`/stream?after=${encodeURIComponent(last)}`);
  source.addEventListener("hello", () => {
    streams = true;
    if (connected) refresh();
    connected = true;
    showConnection();
  });
  source.addEventListener("notice", onChange("notice"));
  source.addEventListener("dead_letter", onChange("dead letter"));
  source.onerror = () => {
    streams = false;
    showConnection();
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  };
}

// --- forms that show their result in place --------------------------------------------------------

async function send(event) {
  const form = event.target.closest("form[data-inline]");
  if (!form) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  const output = form.querySelector("output");
  output.textContent = "…";
  let result;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: fields,
      headers: { "usher-inline": "1" },
    });
    result = await answer.json();
    result.text ??= result.detail;
  } catch (error) {
    result = { ok: false, text: `Not sent: the notifier does not answer (${error.message}).` };
  }
  output.textContent = result.text;
  output.dataset.ok = result.ok;
  if (!output.isConnected || result.ok) said.textContent = result.text;
  if (result.ok) refresh();
}

// -------------------------------------------------------------------------------------------------

document.addEventListener("submit", send);
document.querySelectorAll("[data-region]").forEach(remember);
showTimes(document);
document.getElementById("errors")?.focus();
if (last) {
  connect();
  refreshIn(SLOWEST);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}
