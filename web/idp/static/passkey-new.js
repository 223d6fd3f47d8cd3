// Create a passkey. The answer goes into #new-passkey-form.

import { explain, say, tooOld } from "./message.js";

const form = document.getElementById("new-passkey-form");
const button = document.getElementById("new-passkey-create");
const supported =
  typeof PublicKeyCredential === "function" && typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function";
const opened = performance.now();

async function create() {
  if (performance.now() - opened > Number(form.dataset.lifetime) * 1000) {
    location.assign(form.dataset.resume);
    return;
  }
  button.disabled = true;
  say("Follow the prompt of your device.");
  try {
    const json = JSON.parse(form.dataset.options);
    const credential = await navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(json.publicKey ?? json),
    });
    document.getElementById("new-passkey-credential").value = JSON.stringify(credential.toJSON());
    say("Saving the passkey…");
    form.requestSubmit();
  } catch (error) {
    explain(error, "create");
  } finally {
    button.disabled = false;
  }
}

if (supported) {
  button.addEventListener("click", create);
  // Enter in the name field means "create", never the page's only submit button, which says "not now".
  document.getElementById("new-passkey-name").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (!button.disabled) create();
  });
} else {
  button.disabled = true;
  tooOld();
}
