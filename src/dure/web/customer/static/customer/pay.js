// Large keys for the amount. Without it the field is typed into as any other.
(() => {
  "use strict";
  const field = document.querySelector("#amount"), keys = document.querySelector("[data-keys]");
  if (!field || !keys) return;
  const show = digits => { field.value = digits ? Number(digits).toLocaleString("en-US") : ""; };
  const digits = () => field.value.replace(/\D/g, "").replace(/^0+/, "").slice(0, 7);
  keys.hidden = false;
  keys.addEventListener("click", event => {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (!key) return;
    show(key === "back" ? digits().slice(0, -1) : (digits() + key).replace(/^0+/, "").slice(0, 7));
  });
  field.addEventListener("input", () => show(digits()));
})();
