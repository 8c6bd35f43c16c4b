"use strict";
// Counting while one moves a slider. Without this script the same form is sent and comes back counted.
(function () {
  var builder = document.getElementById("builder"), form = document.getElementById("audience-form");
  if (!builder || !form) return;
  var reach = document.getElementById("reach"), said = document.getElementById("reach-said"), from = document.getElementById("reach-from");
  var problem = document.getElementById("reach-problem"), aloud = document.getElementById("reach-aloud"), picture = document.getElementById("picture");
  document.documentElement.classList.add("js");

  function fields() {
    var sent = new URLSearchParams();
    new FormData(form).forEach(function (value, name) {
      if (value && ["csrfmiddlewaretoken", "name", "edited", "find"].indexOf(name) < 0) sent.append(name, value);
    });
    return sent;
  }

  // One question at a time, so that answers come in order; of what was changed meanwhile only the newest is asked next.
  // While one slides it counts every `wait`; what is `resting` waits until the hand does.
  function asker(address, accept, wait, resting, show) {
    var timer = 0, busy = false, again = false;
    function ask() {
      if (busy) { again = true; return; }
      busy = true;
      again = false;
      fetch(address + "?" + fields(), { headers: { Accept: accept, "X-Fragment": "1" }, credentials: "same-origin" })
        .then(function (answer) { return answer.text().then(function (text) { show(answer, text); }); })
        .catch(function () { show(null, ""); })
        .then(function () { busy = false; if (again) ask(); });
    }
    return function (now) {
      if (timer && !resting && !now) return;
      clearTimeout(timer);
      timer = setTimeout(function () { timer = 0; ask(); }, now ? 0 : wait);
    };
  }

  var count = asker(builder.dataset.count, "application/json", 120, false, function (answer, text) {
    reach.classList.remove("waiting");
    if (!answer) { problem.textContent = builder.dataset.offline; return; }
    if (answer.status === 429) { setTimeout(count, 400); return; }
    var told = {};
    try { told = JSON.parse(text); } catch (_) { return; }
    form.querySelectorAll(".span [aria-invalid]").forEach(function (one) { one.removeAttribute("aria-invalid"); });
    problem.textContent = answer.ok ? "" : told.title;
    if (!answer.ok) {
      said.textContent = "–";
      var wrong = told.field && form.elements[told.field];
      if (wrong && wrong.setAttribute) wrong.setAttribute("aria-invalid", "true");
      return;
    }
    said.textContent = told.said;
    from.textContent = said.dataset[told.from];
  });

  var again = 0;
  var paint = asker(builder.dataset.picture, "text/html", 300, true, function (answer, text) {
    picture.classList.remove("waiting");
    if (!answer || !answer.ok) { if (answer && answer.status === 429) setTimeout(paint, 1000); return; }
    var open = [], held = document.activeElement, view = held && picture.contains(held) ? held.id : "";
    picture.querySelectorAll("details").forEach(function (one) { if (one.open) open.push(one.querySelector("summary").textContent + one.parentNode.id); });
    picture.innerHTML = text;
    picture.querySelectorAll("details").forEach(function (one) { one.open = open.indexOf(one.querySelector("summary").textContent + one.parentNode.id) >= 0; });
    if (view && document.getElementById(view)) document.getElementById(view).focus();
    words();
    waiting();
    if (aloud.textContent !== said.textContent) aloud.textContent = said.textContent;
  });

  function waiting() {
    clearTimeout(again);
    if (picture.querySelector("[data-again]")) again = setTimeout(function () { count(true); paint(true); }, 3000);
  }
  // The words beside each condition are the server's: it wrote them on the chips.
  function words() {
    var told = {};
    picture.querySelectorAll("[data-drop]").forEach(function (chip) { told[chip.dataset.drop] = chip.dataset.said; });
    form.querySelectorAll("[data-says]").forEach(function (out) { out.textContent = told[out.dataset.says] || ""; });
  }
  function changed() {
    reach.classList.add("waiting");
    var sent = fields();
    sent.append("edited", "1");
    history.replaceState(null, "", "?" + sent);
    count();
    paint();
  }

  // Two thumbs over two numbers. The numbers are what is sent; a thumb at its end says nothing.
  document.querySelectorAll(".span").forEach(function (span) {
    var low = Number(span.dataset.low), high = Number(span.dataset.high), bend = Number(span.dataset.bend);
    var ends = span.querySelectorAll("input.end"), one = "one" in span.dataset;
    var steps = bend > 1 ? 100 : high - low;
    var rail = document.createElement("div");
    rail.className = "thumbs";
    function value(step) { return low + Math.round((high - low) * Math.pow(step / steps, bend)); }
    function step(number) { return Math.round(steps * Math.pow(Math.max(0, Math.min(1, (number - low) / (high - low))), 1 / bend)); }
    var thumbs = Array.prototype.map.call(ends, function (end) {
      var thumb = document.createElement("input");
      thumb.type = "range";
      thumb.min = 0;
      thumb.max = steps;
      thumb.setAttribute("aria-label", span.dataset.title + " " + end.parentNode.textContent.trim());
      rail.appendChild(thumb);
      return thumb;
    });
    function isFrom(at) { return !one && at === 0; }
    function settle() {
      thumbs.forEach(function (thumb, at) {
        var number = ends[at].value === "" ? (isFrom(at) ? low : high) : Number(ends[at].value);
        thumb.value = step(number);
        thumb.setAttribute("aria-valuetext", number + " " + span.dataset.unit);
      });
      var first = one ? 0 : Number(thumbs[0].value), last = Number(thumbs[thumbs.length - 1].value);
      rail.style.setProperty("--from", String(100 * first / steps));
      rail.style.setProperty("--to", String(100 * last / steps));
      // Where both meet at the right end, the left one must be on top to be taken away again.
      if (!one) thumbs[0].style.zIndex = first > steps / 2 ? "2" : "1";
    }
    thumbs.forEach(function (thumb, at) {
      thumb.addEventListener("input", function () {
        var mine = Number(thumb.value);
        if (!one) {
          var other = Number(thumbs[1 - at].value);
          mine = isFrom(at) ? Math.min(mine, other) : Math.max(mine, other);
        }
        var edge = isFrom(at) ? mine === 0 : mine === steps;
        ends[at].value = edge ? "" : value(mine);
        settle();
        changed();
      });
    });
    Array.prototype.forEach.call(ends, function (end) { end.addEventListener("input", settle); });
    span.insertBefore(rail, span.firstChild);
    settle();
    span.addEventListener("settle", settle);
  });

  // Places: a tick opens what is within, a name finds.
  var list = document.getElementById("places"), find = document.getElementById("find");
  var places = list && (function () {
    var last = 0;
    return function () {
      var mine = ++last, sent = fields(), scrolled = list.querySelector(".tree").scrollTop;
      if (find.value.trim()) sent.append("find", find.value.trim());
      fetch(builder.dataset.places + "?" + sent, { headers: { "X-Fragment": "1" }, credentials: "same-origin" }).then(function (answer) {
        return answer.ok ? answer.text() : null;
      }).then(function (text) {
        if (text === null || mine !== last) return;
        var held = document.activeElement, id = held && list.contains(held) ? held.id : "";
        var open = Array.prototype.filter.call(list.querySelectorAll("details"), function (one) { return one.open; }).map(key);
        list.innerHTML = text;
        list.querySelectorAll("details").forEach(function (one) { if (open.indexOf(key(one)) >= 0) one.open = true; });
        list.querySelector(".tree").scrollTop = scrolled;
        if (id && document.getElementById(id)) document.getElementById(id).focus();
      }).catch(function () { return null; });
    };
  })();
  function key(details) { return details.parentNode.querySelector("input").value; }
  function tick(code, on) {
    var box = document.getElementById("r-" + code);
    if (!box) {
      box = document.createElement("input");
      box.type = "checkbox";
      box.name = "region";
      box.value = code;
      box.id = "r-" + code;
      box.hidden = true;
      list.querySelector(".tree").appendChild(box);
    }
    box.checked = on === undefined ? !box.checked : on;
    // A part goes with its whole: unticking 마포구 unticks its 동.
    if (!box.checked) form.querySelectorAll("input[name=region]").forEach(function (other) { if (other.value.indexOf(code) === 0) other.checked = false; });
    places();
    changed();
  }

  var searching = 0;
  form.addEventListener("input", function (event) {
    if (event.target === find) { clearTimeout(searching); searching = setTimeout(places, 180); return; }
    if (event.target.type === "range" || event.target.name === "name" || !event.target.name) return;
    if (event.target.name === "region") { tick(event.target.value, event.target.checked); return; }
    changed();
  });
  document.addEventListener("change", function (event) { if (event.target.id === "view") paint(true); });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.target.form !== form || event.target.name === "name") return;
    event.preventDefault();
    if (event.target === find) places();
  });

  document.addEventListener("click", function (event) {
    var drop = event.target.closest("[data-drop]"), add = event.target.closest("[data-add]"), look = event.target.closest("[data-view]");
    if (add) {
      event.preventDefault();
      tick(add.dataset.add, true);
    } else if (look) {
      event.preventDefault();
      document.getElementById("view").value = look.dataset.view;
      paint(true);
    } else if (drop) {
      event.preventDefault();
      var name = drop.dataset.drop;
      form.querySelectorAll("input").forEach(function (one) {
        if (one.name === name && one.type === "checkbox") one.checked = false;
        if (one.name === name + "_from" || one.name === name + "_to") { one.value = ""; one.closest(".span").dispatchEvent(new Event("settle")); }
      });
      if (name === "region") places();
      var where = form.querySelector("[data-trait='" + name + "'] > summary");
      if (where) where.focus();
      changed();
    }
  });
  // A tap takes the nearest bubble: thumbs are larger than districts.
  document.addEventListener("click", function (event) {
    var map = event.target.closest(".korea");
    if (!map || !list) return;
    var nearest = null, best = 26;
    map.querySelectorAll("circle[data-region]").forEach(function (one) {
      var box = one.getBoundingClientRect();
      var away = Math.hypot(event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2) - box.width / 4;
      if (away < best) { best = away; nearest = one; }
    });
    if (!nearest) return;
    nearest.classList.toggle("picked");
    tick(nearest.dataset.region);
  });

  // Tastes by name or by their first consonants.
  var FIRSTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
  function firsts(text) {
    return Array.from(text).map(function (letter) {
      var code = letter.charCodeAt(0) - 0xac00;
      return code >= 0 && code < 11172 ? FIRSTS[Math.floor(code / 588)] : letter;
    }).join("");
  }
  document.addEventListener("input", function (event) {
    var name = event.target.dataset && event.target.dataset.find;
    if (!name) return;
    var sought = event.target.value.trim().toLowerCase();
    document.querySelectorAll("[data-choices='" + name + "'] [data-name]").forEach(function (one) {
      var text = one.dataset.name.toLowerCase();
      one.hidden = Boolean(sought) && text.indexOf(sought) < 0 && firsts(text).indexOf(sought) < 0;
    });
  });
  waiting();
})();
