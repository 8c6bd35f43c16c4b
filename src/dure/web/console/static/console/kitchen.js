"use strict";
// The kitchen board. ES2017 and no library, so that an old tablet on the wall can run it.
(function () {
  var REPEAT = 20000, REFRESH = 20000, UNDO = 10000;
  var root = document.getElementById("kitchen");
  var panel = document.getElementById("panel");
  var toasts = document.getElementById("toasts");
  var opener = null;

  function board() { return document.getElementById("board"); }
  function waiting() {
    return Array.from(board().querySelectorAll("[data-state=received], [data-call]")).map(function (one) {
      return one.dataset.order || one.dataset.call;
    });
  }
  var known = new Set(waiting());

  function say(text, button) {
    var said = document.createElement("p");
    said.className = "notice";
    said.textContent = text + " ";
    if (button) said.appendChild(button);
    toasts.textContent = "";
    toasts.appendChild(said);
    setTimeout(function () { said.remove(); }, UNDO);
  }

  function put(html, into) {
    var holder = document.createElement("template");
    holder.innerHTML = html;
    var fresh = holder.content.getElementById ? holder.content.getElementById(into.id) : holder.content.querySelector("#" + into.id);
    if (!fresh) return false;
    var focused = document.activeElement && into.contains(document.activeElement) ? document.activeElement.id : "";
    var open = Array.from(into.querySelectorAll("details[open]")).map(function (one) { return one.id; });
    into.replaceWith(fresh);
    open.forEach(function (id) { var one = id && document.getElementById(id); if (one) one.open = true; });
    if (focused) { var again = document.getElementById(focused); if (again) again.focus(); }
    return true;
  }

  function show(html) {
    if (!put(html, board())) { location.reload(); return; }
    document.querySelector("[data-live]").dataset.live = board().dataset.stream;
    var now = waiting();
    if (now.some(function (one) { return !known.has(one); })) ring();
    known = new Set(now);
  }

  async function ask(url, options) {
    var stop = new AbortController();
    var timer = setTimeout(function () { stop.abort(); }, 8000);
    try {
      return await fetch(url, Object.assign({ headers: { "X-Fragment": "1" }, credentials: "same-origin", signal: stop.signal }, options));
    } finally { clearTimeout(timer); }
  }

  // Only one question is on its way at a time; a change that comes meanwhile asks once more.
  var asking = false, again = false;
  async function refresh() {
    if (asking) { again = true; return; }
    asking = true;
    try {
      var answer = await ask(board().dataset.here);
      if (answer.redirected && answer.url.indexOf("/accounts/") > 0) { location.reload(); return; }
      if (answer.ok) show(await answer.text());
    } catch (error) {
      // The red bar of live.js tells; the next change or the next half minute asks again.
    } finally {
      asking = false;
      if (again) { again = false; refresh(); }
    }
  }

  async function send(form, button) {
    var data = new FormData(form);
    if (button && button.name) data.set(button.name, button.value);
    if (button) { button.disabled = true; button.classList.add("busy"); }
    try {
      var answer = await ask(form.action, { method: "POST", body: data });
      var html = await answer.text();
      if (!answer.ok) {
        var holder = document.createElement("template");
        holder.innerHTML = html;
        var refusal = holder.content.querySelector(".refusal");
        say(refusal ? refusal.textContent : root.dataset.offline);
        refresh();
      } else {
        if (panel.contains(form)) {
          if (form.dataset.stay === undefined || !fill(html)) { shut(); show(html); }
        } else { show(html); }
        if (form.dataset.undo) say(form.dataset.done, undo(form));
      }
    } catch (error) {
      say(root.dataset.offline);
    } finally {
      if (button) { button.disabled = false; button.classList.remove("busy"); }
    }
  }

  function undo(form) {
    var back = document.createElement("form");
    back.method = "post";
    back.action = form.dataset.undo;
    var token = form.querySelector("[name=csrfmiddlewaretoken]").cloneNode();
    var button = document.createElement("button");
    button.className = "button";
    button.textContent = root.dataset.undo;
    back.appendChild(token);
    back.appendChild(button);
    return back;
  }

  function fill(html) {
    var holder = document.createElement("template");
    holder.innerHTML = html;
    var inside = holder.content.querySelector("[data-panel]");
    if (!inside) return false;
    var at = panel.scrollTop;
    panel.textContent = "";
    panel.appendChild(inside);
    panel.scrollTop = at;
    return true;
  }
  function shut() {
    panel.hidden = true;
    document.body.classList.remove("behind");
    panel.textContent = "";
    if (opener && document.contains(opener)) opener.focus();
  }
  async function pull(link) {
    opener = link;
    try {
      var answer = await ask(link.href);
      if (!answer.ok || !fill(await answer.text())) { location.href = link.href; return; }
      panel.hidden = false;
      document.body.classList.add("behind");
      panel.focus();
    } catch (error) { say(root.dataset.offline); }
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!root.contains(form) && !panel.contains(form) && !toasts.contains(form)) return;
    event.preventDefault();
    var menu = form.closest("details.menu");
    if (menu) menu.open = false;
    send(form, event.submitter || form.pressed || form.querySelector("button"));
  });
  // Old browsers do not say which button sent the form.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (button && button.form) button.form.pressed = button;
    var link = event.target.closest("a[data-into-panel]");
    if (link) { event.preventDefault(); pull(link); }
    if (event.target.closest("[data-shut]")) { event.preventDefault(); shut(); }
  });
  document.addEventListener("keydown", function (event) {
    if (panel.hidden) return;
    if (event.key === "Escape") shut();
    if (event.key === "Tab") {
      var stops = panel.querySelectorAll("a[href], button:not([disabled]), input:not([type=hidden]), textarea");
      var last = stops[stops.length - 1];
      if (event.shiftKey && (document.activeElement === stops[0] || document.activeElement === panel)) { event.preventDefault(); last.focus(); }
      else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); stops[0].focus(); }
    }
  });

  // Sound: browsers are silent until somebody taps, so a shift begins with a tap.
  var sound = null, lock = null;
  var start = document.getElementById("start");
  function tone(frequency, at, length) {
    var voice = sound.createOscillator(), volume = sound.createGain();
    voice.frequency.value = frequency;
    voice.type = "triangle";
    volume.gain.setValueAtTime(0.0001, sound.currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.6, sound.currentTime + at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, sound.currentTime + at + length);
    voice.connect(volume);
    volume.connect(sound.destination);
    voice.start(sound.currentTime + at);
    voice.stop(sound.currentTime + at + length);
  }
  function ring() {
    root.dataset.rings = Number(root.dataset.rings || 0) + 1;
    if (!sound) return;
    if (sound.state === "suspended") sound.resume();
    tone(880, 0, 0.5);
    tone(1175, 0.18, 0.6);
    tone(880, 0.7, 0.5);
    tone(1175, 0.88, 0.8);
  }
  async function stayAwake() {
    try { if (navigator.wakeLock && !document.hidden) lock = await navigator.wakeLock.request("screen"); } catch (error) { lock = null; }
  }
  start.addEventListener("click", function () {
    var Context = window.AudioContext || window.webkitAudioContext;
    if (Context && !sound) sound = new Context();
    if (sound && sound.state === "suspended") sound.resume();
    start.textContent = root.dataset.test;
    start.classList.remove("first");
    root.classList.add("started");
    ring();
    stayAwake();
  });
  document.addEventListener("visibilitychange", function () { if (!document.hidden && sound) stayAwake(); });
  setInterval(function () { if (board().querySelector("[data-state=received]")) ring(); }, REPEAT);

  var theme = document.getElementById("theme");
  function paint() {
    var light = false;
    try { light = localStorage.getItem("kitchen") === "light"; } catch (error) { light = false; }
    document.body.classList.toggle("light", light);
    theme.setAttribute("aria-pressed", String(light));
  }
  theme.addEventListener("click", function () {
    try { localStorage.setItem("kitchen", document.body.classList.contains("light") ? "dark" : "light"); } catch (error) { return; }
    paint();
  });
  paint();

  document.addEventListener("changed", refresh);
  setInterval(refresh, REFRESH);
})();
