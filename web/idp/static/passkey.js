// Use a passkey: by the button, at once, or by the autofill list of the user name field. The answer goes into #passkey-form.

import { explain, say, tooOld } from "./message.js";

const form = document.getElementById("passkey-form");
const button = document.getElementById("passkey-button");
const supported =
  typeof PublicKeyCredential === "function" && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";
const opened = performance.now();
let waiting = null;
let asked = false;

/** The options stand in the page, since they belong to this step of the sign-in. */
function options() {
  const json = JSON.parse(form.dataset.options);
  return PublicKeyCredential.parseRequestOptionsFromJSON(json.publicKey ?? json);
}

/** A challenge lives as long as the page says; after that only a fresh page helps. */
function tooLate() {
  return performance.now() - opened > Number(form.dataset.lifetime) * 1000;
}

/** Runs one request. A browser serves one at a time, so a new one stops the one before. */
async function request(mediation) {
  waiting?.abort();
  waiting = new AbortController();
  return navigator.credentials.get({ publicKey: options(), signal: waiting.signal, ...(mediation ? { mediation } : {}) });
}

function send(credential) {
  say("Signing in…");
  document.getElementById("passkey-credential").value = JSON.stringify(credential.toJSON());
  form.requestSubmit();
}

async function signIn() {
  if (asked) return;
  if (tooLate()) {
    location.assign(form.dataset.resume);
    return;
  }
  asked = true;
  button.disabled = true;
  say("Follow the prompt of your device.");
  try {
    send(await request());
  } catch (error) {
    explain(error, "get");
    asked = false;
    offerAutofill();
  } finally {
    button.disabled = false;
  }
}

/** Offers passkeys in the autofill list, where the page has a user name field and the browser can. */
async function offerAutofill() {
  if (!form.dataset.autofill || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  if (asked || tooLate()) return;
  try {
    send(await request("conditional"));
  } catch {
    // Until a passkey was chosen nobody asked for anything, so nobody needs to hear of it.
  }
}

/** The page was left open: it gets a fresh challenge, unless somebody is in the middle of typing. */
function renew() {
  const field = document.getElementById(form.dataset.autofill ?? "");
  if (asked || (field && field.value)) {
    waiting?.abort();
    return;
  }
  location.replace(form.dataset.resume);
}

if (supported) {
  button.addEventListener("click", signIn);
  if (form.dataset.start === "at-once") signIn();
  else offerAutofill();
  setTimeout(renew, Number(form.dataset.lifetime) * 1000);
} else {
  button.disabled = true;
  // On the page with a user name field other ways are at hand; elsewhere say so.
  if (!form.dataset.autofill) tooOld();
}
