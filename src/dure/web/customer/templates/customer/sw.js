// Keeps menus readable without network, and the inbox of whoever uses this phone; rings when a message comes.
// A menu's copy belongs to nobody: it is asked for without cookies. The inbox's copy lies apart and goes as soon as anybody
// logs in or out, leaves a shop or asks to be forgotten.
"use strict";
const KEEP = "dure-{{ version }}", OWN = "dure-own", MOST = 300;
const SHELL = [{% for one in shell %}"{{ one|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];
const ours = url => url.origin === location.origin;
const menu = url => ours(url) && /^\/t\/[0-9A-Z]+$/.test(url.pathname);
const still = url => ours(url) && /^\/(static|skins|photos)\//.test(url.pathname);
const inbox = url => ours(url) && /^\/inbox(\/msg_[0-9a-z]{26})?$/.test(url.pathname);
const others = url => !ours(url) || /^\/(console|office|accounts|api|live|hooks)(\/|$)/.test(url.pathname);
const changesWho = url => ours(url) && /^\/(accounts\/.*|my\/erasure|shops\/[^/]+\/friendship)$/.test(url.pathname);
let turn = 0;

addEventListener("install", event => event.waitUntil((async () => {
  const kept = await caches.open(KEEP);
  await kept.addAll(SHELL);
  const answer = await fetch("/offline", { credentials: "omit" });
  if (answer.ok) await kept.put("/offline", answer);
  await skipWaiting();
})()));
addEventListener("activate", event => event.waitUntil((async () => {
  const old = (await caches.keys()).filter(name => name !== KEEP && name !== OWN);
  await Promise.all(old.map(name => caches.delete(name)));
  await clients.claim();
})()));

async function copy(url, language) {
  const answer = await fetch(`${url.pathname}?copy=1`, { credentials: "omit", headers: { "Accept-Language": language } });
  if (answer.ok) await (await caches.open(KEEP)).put(url.pathname, answer);
}
async function read(event, url) {
  try {
    const answer = await fetch(event.request);
    if (answer.ok && menu(url)) event.waitUntil(copy(url, answer.headers.get("Content-Language") || "ko").catch(() => {}));
    return answer;
  } catch (error) {
    const kept = (menu(url) && await caches.match(url.pathname)) || await caches.match("/offline");
    if (kept) return kept;
    throw error;
  }
}

// The inbox: one page with every message in full, kept under one name.
async function forget() { turn++; await caches.delete(OWN); }
async function keepOwn(began) {
  const answer = await fetch("/inbox?copy=1");
  if (!answer.ok || answer.redirected || began !== turn) return;
  await (await caches.open(OWN)).put("/inbox", answer);
  if (began !== turn) await caches.delete(OWN);
}
async function readOwn(event, url) {
  const began = turn;
  try {
    const answer = await fetch(event.request);
    event.waitUntil(keepOwn(began).catch(() => {}));
    return answer;
  } catch (error) {
    const kept = (await caches.has(OWN)) && await (await caches.open(OWN)).match("/inbox");
    if (kept) return url.pathname === "/inbox" ? kept : Response.redirect(`/inbox#${url.pathname.slice(7)}`);
    const page = await caches.match("/offline");
    if (page) return page;
    throw error;
  }
}

async function keep(request, answer) {
  const kept = await caches.open(KEEP), held = await kept.keys(), least = SHELL.length + 1;
  await Promise.all(held.slice(least, Math.max(least, held.length - MOST)).map(old => kept.delete(old)));
  await kept.put(request, answer);
}
async function fetched(event) {
  const kept = await caches.match(event.request);
  if (kept) return kept;
  const answer = await fetch(event.request);
  if (answer.ok) event.waitUntil(keep(event.request, answer.clone()).catch(() => {}));
  return answer;
}
addEventListener("fetch", event => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET") { if (changesWho(url)) event.waitUntil(forget()); return; }
  if (still(url)) event.respondWith(fetched(event));
  else if (event.request.mode !== "navigate" || others(url)) return;
  else event.respondWith(inbox(url) ? readOwn(event, url) : read(event, url));
});

// A message rings. What it says lies in the inbox too.
addEventListener("push", event => {
  let told = {};
  try { told = event.data.json(); } catch { /* whatever came, something has to be shown */ }
  event.waitUntil(registration.showNotification(told.title || "두레", {
    body: told.body || "",
    tag: told.tag || "dure",
    icon: "{{ icon|escapejs }}",
    data: { link: told.link || "/inbox", refuse: told.refuse || "" },
    actions: told.refuse ? [{ action: "refuse", title: "그만 받기" }] : [],
  }));
});
addEventListener("notificationclick", event => {
  const { link, refuse } = event.notification.data;
  event.notification.close();
  event.waitUntil(show(event.action === "refuse" && refuse ? refuse : link));
});
async function show(link) {
  let to = new URL(link, location.origin);
  if (!ours(to)) to = new URL("/inbox", location.origin);
  for (const page of await clients.matchAll({ type: "window", includeUncontrolled: true })) {
    if (page.url === to.href) return page.focus();
  }
  return clients.openWindow(to.href);
}
