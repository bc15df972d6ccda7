// What a page does besides standing there: news, time left, keys, and a moment in which no answer counts.
// Everything works without it. Nothing here decides, keeps what signs anybody in, or puts text into a page as anything but text.

const body = document.body;
document.documentElement.classList.add("has-script");
// A refused answer is shown where it was sent to: loading that again means the request, and never the answer.
if (location.pathname.endsWith("/review")) history.replaceState(null, "", location.pathname.slice(0, -"/review".length));

// --- the way back to a session ----------------------------------------------------------------------------------------

// Without TLS the pages of a session live beneath a path that nobody can guess, because cookies go to every port of a machine.
// This storage belongs to one port: it keeps the path, for whoever comes by an address without it.
const ROOT = "root", LOOKS_RIGHT = /^\/s\/[0-9a-f]{32}$/;

function kept(change) {
  try { return change(localStorage); } catch { return null; }
}

if (body.dataset.root) kept((storage) => storage.setItem(ROOT, body.dataset.root));
document.querySelector("form.who")?.addEventListener("submit", () => kept((storage) => storage.removeItem(ROOT)));

const signIn = document.querySelector("form[data-returns]");
const root = signIn && kept((storage) => storage.getItem(ROOT));
if (root && LOOKS_RIGHT.test(root)) location.replace(root + signIn.elements.next.value);

// --- time -----------------------------------------------------------------------------------------------------------

const offset = body.dataset.now ? Number(body.dataset.now) - Date.now() : 0;
const SOON = 120;

function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

function tick() {
  const now = Date.now() + offset;
  for (const one of document.querySelectorAll("[data-deadline]")) {
    const left = Math.floor((Number(one.dataset.deadline) - now) / 1000);
    const text = left > 0 ? `${span(left)} left` : "time is over";
    if (one.textContent !== text) one.textContent = text;
    one.classList.toggle("soon", left < SOON);
  }
  for (const one of document.querySelectorAll("[data-at]")) {
    const text = `${span(Math.max(0, Math.floor((now - Number(one.dataset.at)) / 1000)))} ago`;
    if (one.textContent !== text) one.textContent = text;
  }
}

tick();
setInterval(tick, 1000);

// --- a moment in which no answer counts -----------------------------------------------------------------------------

const decide = document.querySelector("form.decide");
let changed = false;

function settle() {
  if (!decide) return;
  const button = decide.querySelector("button");
  button.disabled = true;
  clearTimeout(settle.timer);
  settle.timer = setTimeout(() => { button.disabled = changed; }, Number(decide.dataset.settle));
}

if (decide) {
  const button = decide.querySelector("button");
  const reason = decide.querySelector("textarea");
  const always = document.querySelector("label[for=reason]")?.textContent.includes("always");
  const choose = () => {
    const verdict = decide.elements.verdict.value;
    button.textContent = button.dataset[verdict];
    button.classList.toggle("is-reject", verdict === "reject");
    reason.required = always || verdict === "reject";
  };
  for (const one of decide.elements.verdict) one.addEventListener("change", choose);
  choose();
  settle();
  // A click that only brings the window to the front, or a page that comes back from the history, is no answer either.
  addEventListener("focus", settle);
  addEventListener("pageshow", settle);
  document.addEventListener("visibilitychange", settle);
  let sent = false;
  decide.addEventListener("submit", (event) => {
    if (button.disabled || sent) { event.preventDefault(); return; }
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
}

document.getElementById("error")?.focus();

// --- keys -----------------------------------------------------------------------------------------------------------

function step(by) {
  const rows = [...document.querySelectorAll("a.row")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))].focus();
}

// On the page of one request the same keys lead to its neighbours, unless a reason is being written.
function go(by) {
  if (document.querySelector("a.row")) { step(by); return; }
  if (decide && decide.elements.reason.value) return;
  document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
}

function choose(verdict) {
  const choice = decide?.querySelector(`input[value=${verdict}]`);
  if (!choice) return;
  choice.checked = true;
  choice.dispatchEvent(new Event("change"));
  choice.focus();
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  a: () => choose("approve"),
  r: () => choose("reject"),
  u: () => document.querySelector("a.up")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.closest("input:not([type=radio]), textarea, select");
  // Enter on a choice would send the form: choosing is one thing, answering another.
  if (event.key === "Enter" && event.target.matches("input[type=radio]")) { event.preventDefault(); return; }
  if (typing || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

// --- news -----------------------------------------------------------------------------------------------------------

const EVERY = 2000, HIDDEN = 15000, LONGEST = 30000;
let failures = 0;

// The browser's own parser for requests makes a document in which nothing runs; no text is ever turned into markup here.
function fetched(address) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => (request.status === 200 && request.response ? done(request.response) : failed(new Error("status")));
    request.onerror = failed;
    request.send();
  });
}

async function news() {
  const response = await fetch(body.dataset.live, { cache: "no-store", redirect: "error" });
  if (response.status === 401) { location.replace(location.pathname); return true; }
  if (!response.ok) throw new Error("status");
  const [mark] = (await response.text()).split(" ");
  if (mark === body.dataset.mark) return false;
  const list = document.getElementById("list");
  if (!list) { tell(); return true; }
  const page = await fetched(location.href);
  const fresh = page.getElementById("list");
  if (!fresh) throw new Error("list");
  const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
  list.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
  document.getElementById("live").textContent = page.getElementById("live").textContent || "Nothing waits.";
  document.title = page.title;
  body.dataset.mark = page.body.dataset.mark;
  tick();
  if (focused) (document.getElementById(focused) ?? list.querySelector("a.row"))?.focus();
  return true;
}

function tell() {
  changed = true;
  document.getElementById("changed").hidden = false;
  if (decide) decide.querySelector("button").disabled = true;
}

function again() {
  const usual = document.hidden ? HIDDEN : EVERY;
  clearTimeout(again.timer);
  again.timer = setTimeout(watch, failures ? Math.min(LONGEST, EVERY * 2 ** (failures - 1)) : usual);
}

async function watch() {
  try {
    const changedNow = await news();
    if (failures >= 2 && !changedNow) offline(false);
    failures = 0;
  } catch {
    failures = Math.min(failures + 1, 6);
    if (failures === 2) offline(true);
  }
  if (!changed) again();
}

function offline(is) {
  const line = document.getElementById("live");
  if (!line) return;
  if (is) line.dataset.was = line.textContent;
  line.textContent = is ? "No connection to the server; what stands here may be old." : line.dataset.was;
}

if (body.dataset.live) {
  again();
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !changed) watch(); });
  addEventListener("pageshow", (event) => { if (event.persisted && !changed) watch(); });
}
