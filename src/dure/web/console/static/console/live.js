"use strict";
// Watches the stream named by [data-live] and fires "changed" there; after ten seconds without a beat it says so.
// The stream carries no data: whoever hears "changed" asks for the page's part again, so nothing is lost or doubled.
(function () {
  var SILENCE = 10000, PATIENCE = 10000;
  var A_DAY = 23 * 3600 * 1000;
  var source = null, heard = Date.now(), asked = Date.now(), born = Date.now(), later = false;
  function place() { return document.querySelector("[data-live]"); }
  // Whoever is typing inside a part that would be replaced is not interrupted: the change is told when they are done.
  function typing() {
    var field = document.activeElement;
    return field && field.matches("input, select, textarea") && field.closest("[hx-trigger^=changed]");
  }
  // htmx forgets what waits for an answer that replaces whoever asked: a change that comes meanwhile is told once it is there.
  var asking = new Set();
  function listens(one) { return one && one.matches && one.matches("[hx-trigger^=changed]"); }
  function waits() {
    asking.forEach(function (one) { if (!document.contains(one)) asking.delete(one); });
    return asking.size > 0;
  }
  function tell() {
    var here = place();
    if (typing() || waits()) { later = true; return; }
    asked = Date.now();
    if (here) here.dispatchEvent(new Event("changed", { bubbles: true }));
  }
  function alive() {
    heard = Date.now();
    document.body.classList.remove("lost");
  }
  function open() {
    var here = place();
    if (!here) return;
    source = new EventSource(here.getAttribute("data-live"));
    source.addEventListener("beat", alive);
    source.addEventListener("changed", function () { alive(); tell(); });
  }
  function watch() {
    if (!place()) return;
    if (Date.now() - heard > SILENCE) {
      document.body.classList.add("lost");
      if (Date.now() - asked > PATIENCE) {
        if (source) source.close();
        open();
        tell();
      }
    }
    if (!source || source.readyState === EventSource.CLOSED) {
      // The address of a stream is good for a day; the kitchen is handed a new one with every board.
      if (Date.now() - born > A_DAY && !document.getElementById("kitchen")) location.reload();
      if (source) source.close();
      open();
    }
  }
  function catchUp() { setTimeout(function () { if (later) { later = false; tell(); } }, 0); }
  document.addEventListener("focusout", catchUp);
  document.addEventListener("htmx:beforeSend", function (event) {
    if (!listens(event.detail.requestConfig.elt)) return;
    event.detail.xhr.timeout = PATIENCE;
    asking.add(event.detail.requestConfig.elt);
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (!asking.delete(event.detail.requestConfig.elt)) return;
    var status = event.detail.xhr.status;
    if (status === 0 || status >= 500) setTimeout(function () { if (Date.now() - asked >= PATIENCE) tell(); }, PATIENCE);
    catchUp();
  });
  open();
  setInterval(watch, 2000);
  document.addEventListener("visibilitychange", function () { if (!document.hidden) tell(); });
})();
