"use strict";
// Small comforts; every form works without them.
(function () {
  var toasts = document.getElementById("toasts");
  function toast(html) {
    var holder = document.createElement("template");
    holder.innerHTML = html;
    var refusal = holder.content.querySelector(".refusal");
    var said = document.createElement("p");
    said.className = "refusal";
    said.textContent = refusal ? refusal.textContent : toasts.dataset.offline;
    toasts.textContent = "";
    toasts.appendChild(said);
    setTimeout(function () { said.remove(); }, 8000);
  }
  document.addEventListener("htmx:responseError", function (event) { toast(event.detail.xhr.responseText); });
  document.addEventListener("htmx:sendError", function () { toast(""); });

  document.addEventListener("click", function (event) {
    var step = event.target.closest("[data-step]");
    if (step) {
      var input = step.parentNode.querySelector("input");
      var value = Math.max(0, Math.min(99, (parseInt(input.value, 10) || 0) + Number(step.dataset.step)));
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    var fill = event.target.closest("[data-fill]");
    if (fill) {
      var field = document.getElementById(fill.dataset.fill);
      field.value = fill.dataset.with;
      field.focus();
    }
    var print = event.target.closest("[data-print]");
    if (print) window.print();
  });

  // The more-sheet closes when one taps beside it.
  document.addEventListener("click", function (event) {
    document.querySelectorAll(".tabs details[open]").forEach(function (open) {
      if (!open.contains(event.target)) open.open = false;
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll(".tabs details[open]").forEach(function (open) { open.open = false; open.querySelector("summary").focus(); });
  });

  // Searching among rows that are already here, by syllables or by initial consonants (ㄱㅊ finds 김치).
  var FIRSTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
  function initials(text) {
    return Array.from(text).map(function (letter) {
      var code = letter.charCodeAt(0) - 0xac00;
      return code >= 0 && code < 11172 ? FIRSTS[Math.floor(code / 588)] : letter;
    }).join("");
  }
  document.addEventListener("input", function (event) {
    var box = event.target.closest("[data-filter]");
    if (!box) return;
    var wanted = box.value.trim().toLowerCase().replace(/\s+/g, "");
    document.querySelectorAll(box.dataset.filter).forEach(function (row) {
      var name = (row.dataset.name || row.textContent).toLowerCase().replace(/\s+/g, "");
      row.hidden = Boolean(wanted) && name.indexOf(wanted) < 0 && initials(name).indexOf(wanted) < 0;
    });
    document.querySelectorAll("[data-filter-group]").forEach(function (group) {
      group.hidden = !group.querySelector("li:not([hidden])");
    });
  });

  // What an order that is being entered comes to, before it is sent; the server says the same afterwards.
  var entry = document.querySelector("form[data-entry]");
  function won(amount) { return amount.toLocaleString("en-US") + "원"; }
  function reckon() {
    var total = 0, count = 0, lines = document.createDocumentFragment();
    entry.querySelectorAll("[data-dish]").forEach(function (dish) {
      var box = dish.querySelector("input[type=number]");
      var quantity = box ? parseInt(box.value, 10) || 0 : 0;
      dish.classList.toggle("picked", quantity > 0);
      var fold = dish.querySelector("details");
      if (!quantity) return;
      if (fold && fold.querySelector("[required], [data-least]") && !fold.dataset.opened) { fold.open = true; fold.dataset.opened = "1"; }
      var price = Number(dish.dataset.price);
      dish.querySelectorAll("[data-extra]").forEach(function (option) { if (option.checked) price += Number(option.dataset.extra); });
      total += Math.max(0, price) * quantity;
      count += quantity;
      var line = document.createElement("li");
      line.textContent = dish.dataset.title + " × " + quantity;
      var sum = document.createElement("span");
      sum.className = "won";
      sum.textContent = won(Math.max(0, price) * quantity);
      line.appendChild(sum);
      lines.appendChild(line);
    });
    var list = entry.querySelector("[data-lines]");
    list.textContent = "";
    list.appendChild(lines);
    entry.querySelectorAll("[data-total]").forEach(function (out) { out.textContent = won(total); });
    entry.querySelectorAll("[data-count]").forEach(function (out) { out.textContent = count; });
  }
  if (entry) {
    entry.addEventListener("input", reckon);
    entry.addEventListener("change", reckon);
    reckon();
  }

  // A preview that follows what is chosen.
  document.addEventListener("change", function (event) {
    var chosen = event.target.closest("[data-preview]");
    if (!chosen || !chosen.checked) return;
    var frame = document.getElementById(chosen.dataset.preview);
    if (frame) frame.src = chosen.dataset.src;
  });
  document.addEventListener("change", function (event) {
    var all = event.target.closest("[data-check-all]");
    if (!all) return;
    document.querySelectorAll(all.dataset.checkAll).forEach(function (box) { box.checked = all.checked; });
  });
})();
