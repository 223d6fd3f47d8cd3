// The two ceremonies: ask the site for options, the device for an answer, and hand the answer to the site.

import { Refused } from "./message.js";

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
let waiting = null;

/** Whether this browser can do what the pages need. */
export const supported =
  typeof PublicKeyCredential === "function" &&
  typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function" &&
  typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";

/** POSTs JSON and returns the answer's JSON; throws `Refused` with the site's words. */
async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
      body: JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new DOMException("the site did not answer", "NetworkError");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) {
    const error = answer?.error;
    throw new Refused(error?.code ?? `http-${response.status}`, error?.message ?? "The site did not answer as it should. Try again in a moment.");
  }
  return answer;
}

/** A browser runs one request for credentials at a time, so a new one stops the one before. */
function takeTurn() {
  waiting?.abort();
  waiting = new AbortController();
  return waiting.signal;
}

/** Registers: `path` + "/options" with `start`, then "/finish". Returns where to go. */
export async function create(path, start, finish = {}) {
  const signal = takeTurn();
  const { publicKey } = await post(`${path}/options`, start);
  const credential = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
    signal,
  });
  return (await post(`${path}/finish`, { credential: credential.toJSON(), ...finish })).next;
}

/** Signs in. `started` is called when the device has answered. Returns where to go. */
export async function get(start, { mediation, started } = {}) {
  const signal = takeTurn();
  const { publicKey } = await post("/api/sign-in/options", start);
  const credential = await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
    signal,
    ...(mediation ? { mediation } : {}),
  });
  started?.();
  return (await post("/api/sign-in/finish", { credential: credential.toJSON() })).next;
}

/** Disables the page's ceremony buttons while `work` runs, and tells assistive technology. */
export async function busy(work) {
  const buttons = [...document.querySelectorAll("[data-ceremony]")];
  for (const button of buttons) button.disabled = true;
  document.getElementById("main").setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    for (const button of buttons) button.disabled = false;
    document.getElementById("main").removeAttribute("aria-busy");
  }
}
