// Makes the customer's pages quick and patient. Without it every page still works as plain forms.
(() => {
  "use strict";
  const $ = (query, from = document) => from.querySelector(query);
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const main = $("#main");
  const place = main?.dataset.place;                 // the table's code
  const kept = `dure:${place}`;                      // what this phone still has to send
  const load = () => { try { return JSON.parse(localStorage[kept]); } catch { return { adds: [] }; } };
  const save = waiting => {
    try {
      if (waiting.adds.length || waiting.order) localStorage[kept] = JSON.stringify(waiting);
      else localStorage.removeItem(kept);
    } catch { /* a private window keeps nothing */ }
  };
  const pause = ms => new Promise(done => setTimeout(done, ms));
  const show = (id, on) => { const box = $(id); if (box) box.hidden = !on; };
  const tell = words => { const said = $("#said"); if (said && words) said.textContent = words; };
  const token = () => $("[name=csrfmiddlewaretoken]")?.value ?? "";

  async function ask(url, { headers, ...rest } = {}) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 8000);
    try {
      const answer = await fetch(url, { ...rest, signal: stop.signal, headers: { "X-Fragment": "1", ...headers } });
      return { status: answer.status, ok: answer.ok, text: await answer.text() };
    } finally { clearTimeout(timer); }
  }
  const post = (url, body, headers) =>
    ask(url, { method: "POST", body: new URLSearchParams(body), headers: { "X-CSRFToken": token(), ...headers } });

  // Regions: each is what the server last said, fetched again whenever something changed.
  // Tokens differ each time and mean the same; what was announced is said once.
  const plain = html => {
    const read = document.createElement("template");
    read.innerHTML = html;
    return read.innerHTML.replace(/value="\w{64}"| data-say="[^"]*"/g, "");
  };
  for (const region of all("[data-refresh]")) region.was = plain(region.innerHTML);
  const like = ({ id, name, value }) => id ? `#${CSS.escape(id)}` : name ? `[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]` : "";
  function put(region, html) {
    const focus = region.contains(document.activeElement) && like(document.activeElement);
    region.innerHTML = html;
    region.was = plain(html);
    const same = focus ? all(focus, region) : [];
    if (same.length === 1) same[0].focus();          // of several alike none: it could be another dish's
    if ("bottom" in region.dataset) region.lastElementChild?.scrollIntoView({ block: "nearest" });
    wake(region);
  }
  // One look at a time: what changes meanwhile is looked at once more, and an answer from before is not put over what came since.
  let looking = false, again = false, came = 0;
  async function refresh() {
    if (document.hidden) return;
    if (looking) { again = true; return; }
    looking = true;
    const before = came;
    try {
      if (main?.dataset.copy) await ask("/manifest.webmanifest", { cache: "no-store" });  // is anybody there again?
      for (const region of all("[data-refresh]")) {
        if ($(".busy", region)) continue;
        const { ok, status, text } = await ask(region.dataset.refresh);
        if (came !== before) { again = true; break; }
        if (ok && region.was !== plain(text)) {
          // What a thumb lies on stays until it is lifted: a button that is replaced under it would swallow the tap.
          if (region.matches(":active")) addEventListener("pointerup", () => setTimeout(refresh), { once: true });
          else put(region, text);
        }
        if (status === 409 || status === 404) return location.reload();
      }
      online(true);
    } catch { online(false); } finally { looking = false; }
    if (again) { again = false; refresh(); }
  }
  function wake(from) {
    const state = $("[data-sold-out]", from);
    if (state) {
      const gone = state.dataset.soldOut.split(" ");
      for (const item of all("[data-item]")) {
        const out = gone.includes(item.dataset.item);
        item.classList.toggle("gone", out);
        for (const box of all("[data-when]", item)) box.hidden = (box.dataset.when === "gone") !== out;
      }
      show("#closed", state.dataset.closed === "1");
    }
    const bill = $("[data-go]", from);
    if (bill) location.assign(bill.dataset.go);
    if (navigator.share || navigator.clipboard) all("[data-share]", from).forEach(button => { button.hidden = false; });
    all("[data-print]", from).forEach(button => { button.hidden = false; });
    all("[data-steps]", from).forEach(button => { button.hidden = false; });
    all("form[data-price]", from).forEach(price);
  }

  // The network: what could not be sent waits here, and says so.
  let connected = true;
  function online(now) {
    const back = now && !connected;
    connected = now;
    show("#offline", !now);
    if (back && main?.dataset.copy) return location.reload();
    if (now) flush();
  }
  let flushing = false;
  async function flush() {
    const waiting = load();
    if (flushing || !place || main.dataset.copy || !(waiting.adds.length || waiting.order)) return;
    flushing = true;
    try {
      const now = version();
      while (waiting.adds.length) {
        const { url, body, seen } = waiting.adds[0];
        // An add whose answer was lost is sent again only if nothing has happened to the basket since.
        if (seen === null || seen === now) await post(url, body);
        waiting.adds.shift();
        save(waiting);
      }
      if (waiting.order) await order(waiting.order.url, waiting.order.body);
      else await refresh();
    } catch { connected = false; } finally { flushing = false; }
  }
  const version = () => $("[data-version]")?.dataset.version ?? "";

  // An order: the key in its body makes every repetition the same order, and one runs at a time. Once it was answered the
  // page is being left: until then nothing can be pressed again, so that promise is never kept.
  let ordering = null;
  const order = (url, body) => ordering ??= send(url, body).finally(() => { ordering = null; });
  async function send(url, body) {
    save({ ...load(), order: { url, body } });
    for (let turn = 0; turn < 4; turn++) {
      try {
        const { ok, status, text } = await post(url, body, { Accept: "application/json" });
        if (status >= 500 || status === 429) throw new Error(status);
        save({ ...load(), order: undefined });
        show("#unsent", false);
        if (ok) location.assign(JSON.parse(text).go); else explain(url, body);
        return new Promise(() => {});
      } catch { await pause(600 * 2 ** turn * (.5 + Math.random())); }
    }
    show("#unsent", true);
    connected = false;
  }
  function explain(url, body) {                      // refused: let the server say why, on a page
    const form = document.createElement("form");
    form.method = "post";
    form.action = url;
    for (const [name, value] of new URLSearchParams(body)) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value: name === "csrfmiddlewaretoken" ? token() : value });
      form.append(field);
    }
    document.body.append(form);
    form.submit();
  }

  document.addEventListener("submit", async event => {
    const form = event.target, { into, order: isOrder } = form.dataset;
    const pressed = event.submitter;
    if (form.dataset.busy) return event.preventDefault();
    if (!into && isOrder === undefined) { form.dataset.busy = 1; return; }
    event.preventDefault();
    const fields = new FormData(form);
    if (pressed?.name) fields.set(pressed.name, pressed.value);
    const url = form.getAttribute("action"), body = new URLSearchParams(fields).toString();
    form.dataset.busy = 1;
    form.classList.add("busy");
    const count = $("#state .count");
    if (form.classList.contains("add") && count) {
      count.textContent = +count.textContent + (+fields.get("quantity") || 1);
      count.classList.add("bump");
    }
    try {
      if (isOrder !== undefined) await order(url, body);
      else {
        const { ok, status, text } = await post(url, body);
        const region = $(ok ? into : "#problem");
        if (ok) {
          came++;
          put(region, text);
          if ("clear" in form.dataset) form.reset();
          show("#problem", false);
          tell($("[data-say]", region)?.dataset.say);
          $("dialog[open]")?.close();
        } else if (status < 500) { region.innerHTML = text; region.hidden = false; region.scrollIntoView({ block: "nearest" }); refresh(); $("dialog[open]")?.close(); }
        else throw new Error(status);
        if (into !== "#state") refresh();
      }
    } catch (error) {
      if (form.classList.contains("add")) {
        const waiting = load();
        waiting.adds.push({ url, body, seen: error.name === "AbortError" ? version() : null });
        save(waiting);
        $("dialog[open]")?.close();
      }
      online(false);
    } finally { delete form.dataset.busy; form.classList.remove("busy"); }
  });

  // The sheet: an item's page, shown over the menu.
  document.addEventListener("click", async event => {
    const link = event.target.closest("a[data-sheet]"), step = event.target.closest("[data-steps] button");
    if (link && !event.ctrlKey && !event.metaKey && window.HTMLDialogElement) {
      event.preventDefault();
      const sheet = $("#sheet");
      try {
        const { ok, text } = await ask(link.href);
        if (!ok) throw 0;
        sheet.innerHTML = text;
        wake(sheet);
        sheet.showModal();
      } catch { location.assign(link.href); }
    }
    if (step) {
      const field = $("input[type=number]", step.closest("form"));
      field.value = Math.min(99, Math.max(1, +field.value + +step.value));
      price(step.closest("form"));
    }
    if (event.target.closest("[data-shut]") || event.target.id === "sheet") $("dialog[open]")?.close();
    if (event.target.closest("[data-print]")) print();
    const share = event.target.closest("[data-share]")?.dataset;
    if (share) {
      try {
        if (navigator.share) await navigator.share({ title: document.title, url: share.share });
        else { await navigator.clipboard.writeText(share.share); tell(share.shared); event.target.textContent = share.shared; }
      } catch { /* changed their mind */ }
    }
    if (event.target.closest("#forget")) { save({ adds: [] }); show("#unsent", false); refresh(); }
  });
  document.addEventListener("input", event => {
    const form = event.target.closest("form[data-price]");
    if (form) price(form);
    if (event.target.id === "q") find(event.target.value);
  });
  function price(form) {
    let one = +form.dataset.price;
    for (const field of all("input:checked", form)) one += +field.dataset.price;
    for (const group of all("fieldset[data-most]", form)) {
      const full = all(":checked", group).length >= +group.dataset.most;
      for (const box of all("[type=checkbox]:not(:checked)", group)) box.disabled = full || "gone" in box.dataset;
    }
    const sum = Math.max(0, one) * (+$("[name=quantity]", form).value || 1);
    const shown = $("output[name=sum]", form);
    if (shown) shown.textContent = `${sum.toLocaleString("ko-KR")}원`;
  }

  // Search: whole words, parts of words, or first consonants (ㄱㅊ finds 김치).
  const FIRST = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
  const first = text => text.replace(/[가-힣]/g, one => FIRST[Math.floor((one.charCodeAt(0) - 44032) / 588)]);
  function find(typed) {
    const wanted = typed.trim().toLowerCase().replace(/\s+/g, "");
    let found = 0;
    for (const section of all(".menu section")) {
      let some = false;
      for (const item of all("[data-words]", section)) {
        const words = item.dataset.words.replace(/\s+/g, "");
        item.hidden = !(words.includes(wanted) || first(words).includes(wanted));
        some ||= !item.hidden;
        found += !item.hidden;
      }
      section.hidden = !some || (wanted !== "" && section.id === "best");
    }
    show("#none", !found);
    tell($("#q").dataset.found?.replace("{n}", found));
  }

  // Tabs follow the reader.
  const tabs = all(".tabs a");
  if (tabs.length && window.IntersectionObserver) {
    const watch = new IntersectionObserver(seen => {
      for (const { isIntersecting, target } of seen) if (isIntersecting) {
        for (const tab of tabs) tab.hash === `#${target.id}` ? tab.setAttribute("aria-current", "true") : tab.removeAttribute("aria-current");
        const tab = $(".tabs [aria-current]");
        tab?.closest("ul").scrollTo({ left: tab.offsetLeft - 24 });
      }
    }, { rootMargin: "-64px 0px -70%" });
    all(".menu section").forEach(section => watch.observe(section));
  }

  let fresh = 0;
  // Live: a stream that only says "changed"; when it is silent, ask every ten seconds.
  if (main?.dataset.live && window.EventSource) {
    const stream = new EventSource(main.dataset.live);
    stream.addEventListener("changed", () => { fresh = Date.now(); refresh(); });
    stream.addEventListener("beat", () => { fresh = Date.now(); if (!connected) refresh(); });
  }
  if ($("[data-refresh], [data-copy]")) {
    // Sold out and closed do not ring at a table: half a minute is soon enough for them.
    const every = +(main.dataset.every ?? 10) * 1000;
    let asked = Date.now();
    setInterval(() => {
      if (connected && !main.dataset.every && Date.now() - fresh < every && Date.now() - asked < 30000) return;
      asked = Date.now();
      refresh();
    }, every);
    document.addEventListener("visibilitychange", refresh);
  }
  addEventListener("online", () => refresh());
  addEventListener("offline", () => online(false));
  addEventListener("pageshow", event => {
    if (!event.persisted) return;
    for (const form of all("[data-busy]")) { delete form.dataset.busy; form.classList.remove("busy"); }
    ordering = null;
    flushing = false;
    refresh();
  });
  if (place && load().order) show("#unsent", true);
  if (main?.dataset.copy) online(false); else flush();
  wake(document);
  if ("serviceWorker" in navigator) addEventListener("load", () => navigator.serviceWorker.register("/sw.js").catch(() => {}));
})();
