// Whoever cancels the device's question, or has no passkey here, is told what else to do.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("passkey_trouble").hidden = false;
});
