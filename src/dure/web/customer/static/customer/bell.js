// Lets this browser ring, or stops it: by the person's own tap, never by itself.
(async () => {
  "use strict";
  const box = document.querySelector("[data-bell]");
  if (!box || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  const token = box.querySelector("[name=csrfmiddlewaretoken]").value, address = box.dataset.bell;
  const show = state => {
    box.hidden = false;
    for (const part of box.querySelectorAll("[data-state]")) part.hidden = part.dataset.state !== state;
  };
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), one => one.charCodeAt(0));
  const tell = async (ring, held) => {
    const { endpoint, keys } = held.toJSON();
    const body = new URLSearchParams({ url: endpoint, p256dh: keys.p256dh, auth: keys.auth, ring });
    const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token, Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
  };
  const worker = await navigator.serviceWorker.ready;
  const held = () => worker.pushManager.getSubscription();
  async function look() {
    if (Notification.permission === "denied") return show("denied");
    const now = await held();
    if (!now) return show("off");
    const answer = await fetch(`${address}?url=${encodeURIComponent(now.endpoint)}`, { headers: { Accept: "application/json" } });
    show(answer.ok && (await answer.json()).rings ? "on" : "off");
  }
  box.addEventListener("click", async event => {
    const button = event.target.closest("button[data-ring]");
    if (!button) return;
    button.disabled = true;
    try {
      let now = await held();
      if (button.dataset.ring === "yes") {
        if (await Notification.requestPermission() !== "granted") return await look();
        const { key } = await (await fetch(address, { headers: { Accept: "application/json" } })).json();
        now ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
        await tell("yes", now);
      } else if (now) {
        await tell("no", now);
        await now.unsubscribe();
      }
      await look();
    } catch { show("failed"); } finally { button.disabled = false; }
  });
  look().catch(() => show("failed"));
})();
