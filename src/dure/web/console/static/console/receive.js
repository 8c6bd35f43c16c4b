"use strict";
// A chime when money arrives, copying a link, and the camera. Everything works without it.
(function () {
  var known = new Set();
  function paid() { return Array.from(document.querySelectorAll("[data-paid]")).map(function (row) { return row.dataset.paid; }); }
  paid().forEach(function (id) { known.add(id); });
  function chime() {
    var Audio = window.AudioContext || window.webkitAudioContext;
    if (!Audio) return;
    var sound = new Audio();
    [784, 1175].forEach(function (tone, n) {
      var note = sound.createOscillator(), loud = sound.createGain();
      note.frequency.value = tone;
      loud.gain.setValueAtTime(.2, sound.currentTime + n * .16);
      loud.gain.exponentialRampToValueAtTime(.001, sound.currentTime + n * .16 + .5);
      note.connect(loud).connect(sound.destination);
      note.start(sound.currentTime + n * .16);
      note.stop(sound.currentTime + n * .16 + .5);
    });
  }
  document.addEventListener("htmx:afterSettle", function () {
    var fresh = paid().filter(function (id) { return !known.has(id); });
    fresh.forEach(function (id) { known.add(id); });
    if (fresh.length) chime();
  });

  function offerCopies() {
    if (navigator.clipboard) document.querySelectorAll("[data-copies]").forEach(function (button) { button.hidden = false; });
  }
  offerCopies();
  document.addEventListener("htmx:afterSettle", offerCopies);
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copies]");
    if (!button) return;
    navigator.clipboard.writeText(document.getElementById(button.dataset.copies).value).then(function () { button.textContent = button.dataset.done; });
  });

  var form = document.querySelector("[data-scan]");
  if (!form) return;
  var box = form.querySelector("[data-camera]"), field = form.querySelector("[name=code]"), amount = form.querySelector("[name=amount]");
  var video = box.querySelector("video"), eye = box.querySelector("#eye");
  var opens = box.querySelector("[data-camera-open]"), closes = box.querySelector("[data-camera-close]"), none = box.querySelector("[data-camera-none]");
  var stop = function () {};
  function show(screen) {
    video.hidden = screen !== video;
    eye.hidden = screen !== eye;
    opens.hidden = Boolean(screen);
    closes.hidden = !screen;
  }
  function close() { stop(); stop = function () {}; show(null); }
  function fail() { close(); none.hidden = false; }
  function take(text) {
    if (!/^\d{24}$/.test(text)) return false;
    field.value = text;
    close();
    if (amount.value) form.requestSubmit(); else amount.focus();
    return true;
  }
  // Chromium on phones and macOS reads codes by itself.
  function own() {
    var reader = new BarcodeDetector({ formats: ["qr_code"] });
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(function (stream) {
      var on = true;
      stop = function () { on = false; stream.getTracks().forEach(function (track) { track.stop(); }); };
      video.srcObject = stream;
      show(video);
      return video.play().then(function look() {
        if (!on) return;
        reader.detect(video).then(function (codes) {
          if (!codes.some(function (code) { return take(code.rawValue); })) requestAnimationFrame(look);
        }).catch(fail);
      });
    }).catch(fail);
  }
  // The others get a library, fetched only now.
  function carried() {
    var library = window.__Html5QrcodeLibrary__, reader = new library.Html5Qrcode("eye", { formatsToSupport: [library.Html5QrcodeSupportedFormats.QR_CODE], useBarCodeDetectorIfSupported: false, verbose: false });
    show(eye);
    var begun = reader.start({ facingMode: "environment" }, { fps: 8 }, take, function () {});
    stop = function () { begun.then(function () { return reader.stop(); }).catch(function () {}); };
    begun.catch(fail);
  }
  function fetched() {
    if (window.__Html5QrcodeLibrary__) return carried();
    if (!box.dataset.library) return fail();
    var script = document.createElement("script");
    script.src = box.dataset.library;
    script.onload = carried;
    script.onerror = fail;
    document.head.append(script);
  }
  box.hidden = false;
  closes.addEventListener("click", close);
  opens.addEventListener("click", function () {
    none.hidden = true;
    if (!navigator.mediaDevices) return fail();
    if (!("BarcodeDetector" in window)) return fetched();
    BarcodeDetector.getSupportedFormats().then(function (formats) { if (formats.includes("qr_code")) own(); else fetched(); }).catch(fetched);
  });
  // A hand scanner types a code and ends with Enter: into the field, wherever the cursor stood. Nobody means 24 digits by
  // anything else, so no clock has a say: a slow tablet reads them as well as a fast one.
  var typed = "";
  document.addEventListener("keydown", function (event) {
    if (event.target === field) return;
    if (/^\d$/.test(event.key)) typed += event.key;
    else if (event.key !== "Enter") typed = "";
    else if (typed.length >= 24) {
      event.preventDefault();
      field.value = typed.slice(-24);
      if (event.target === amount) amount.value = amount.value.slice(0, Math.max(0, amount.value.length - 24));
      typed = "";
      if (amount.value) form.requestSubmit(); else amount.focus();
    } else typed = "";
  });
})();
