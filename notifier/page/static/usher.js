// The live page: it asks for itself again whenever something changed, and puts in what is new.
// Everything is rendered by the server; rows are told apart by data-key, and one that has not
// changed stays as it is, with its focus, its open details and what was typed into it.

const SOURCE = new WeakMap(); // element → the HTML it came as
const SLOWEST = 3000; // ms between looks for what no event tells: who waits, what is parked
const SHARE = 10; // the page is asked for at most a tenth of the time

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

// --- what is new, put in -------------------------------------------------------------------------

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

function putIn(region, fresh) {
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

// --- asking again: at once when something came, now and then for the rest -------------------------

let asking = false;
let askedMeanwhile = false;
let timer = 0;

function later(ms) {
  clearTimeout(timer);
  if (ms > 0) timer = setTimeout(refresh, ms);
  else refresh();
}

async function refresh() {
  clearTimeout(timer);
  if (asking) {
    askedMeanwhile = true;
    return;
  }
  asking = true;
  askedMeanwhile = false;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    // An answer that is an error still says what is away; the rest stays as it was.
    for (const region of document.querySelectorAll("[data-region]")) {
      const found = fresh.getElementById(region.id);
      if (found && (answer.ok || region.id === "sources")) putIn(region, found);
    }
    answers = answer.ok;
  } catch {
    answers = false;
  }
  asking = false;
  judge();
  const rest = SHARE * (performance.now() - began);
  if (askedMeanwhile) later(Math.min(rest, 1000));
  else if (!document.hidden) later(Math.max(SLOWEST, rest));
}

// --- the stream ----------------------------------------------------------------------------------

let last = body.dataset.last;
let source = null;
let connected = false;
let tally = {};
let telling = 0;

// Live is: the stream is connected, the page answers, and so does everything that it is made of.
let streams = false;
let answers = true;
let liveAt = new Date();

// The oldest time that the page itself names, else when all of it was live.
function shownAsOf() {
  const named = [...document.querySelectorAll("#sources [data-stale] time")];
  return named.map((time) => new Date(time.dateTime)).reduce((a, b) => (b < a ? b : a), liveAt);
}

function judge() {
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
  const told = connection.querySelector(".text");
  if (told.textContent !== text) told.textContent = text;
}

function tell(kind) {
  tally[kind] = (tally[kind] ?? 0) + 1;
  if (telling) return;
  // Not one by one: a screen reader would never come to an end.
  telling = setTimeout(() => {
    const told = Object.entries(tally).map(([what, n]) => `${n} new ${what}${n > 1 ? "s" : ""}`);
    news.textContent = told.join(", ");
    tally = {};
    telling = 0;
  }, 4000);
}

function came(kind) {
  return (event) => {
    last = event.lastEventId || last;
    tell(kind);
    refresh();
  };
}

function connect() {
  source = new EventSource(`/stream?after=${encodeURIComponent(last)}`);
  source.addEventListener("hello", () => {
    streams = true;
    if (connected) refresh();
    connected = true;
    judge();
  });
  source.addEventListener("notice", came("notice"));
  source.addEventListener("dead_letter", came("dead letter"));
  source.onerror = () => {
    streams = false;
    judge();
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  };
}

// --- forms that answer in place ------------------------------------------------------------------

async function send(event) {
  const form = event.target.closest("form[data-inline]");
  if (!form) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  const output = form.querySelector("output");
  output.textContent = "…";
  let told;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: fields,
      headers: { "usher-inline": "1" },
    });
    told = await answer.json();
    told.text ??= told.detail;
  } catch (error) {
    told = { ok: false, text: `Not sent: the notifier does not answer (${error.message}).` };
  }
  output.textContent = told.text;
  output.dataset.ok = told.ok;
  if (!output.isConnected || told.ok) said.textContent = told.text;
  if (told.ok) refresh();
}

// -------------------------------------------------------------------------------------------------

document.addEventListener("submit", send);
document.querySelectorAll("[data-region]").forEach(remember);
showTimes(document);
document.getElementById("errors")?.focus();
if (last) {
  connect();
  later(SLOWEST);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}
