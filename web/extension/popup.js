/** The popup: shows the container's state, lists passkeys, switches Latchkey on and off for this browser. */

import { day, facts, plural, registration, trouble, words } from "./state.js";

/** @param {string} id */
const element = (id) => document.getElementById(id);

/**
 * Asks the service worker.
 * @param {object} question
 * @returns {Promise<any>}
 */
async function ask(question) {
  const { ok, error } = (await chrome.runtime.sendMessage(question)) ?? {};
  if (error) throw error;
  return ok;
}

/** Shows a text in an element, or hides the element when there is none. */
function put(id, text) {
  element(id).textContent = text ?? "";
  element(id).hidden = !text;
}

/** @param {import("./state.js").Words} said */
function showState(said) {
  element("state").dataset.state = said.state;
  element("state-text").textContent = said.text;
  put("state-detail", said.detail);
  put("state-command", said.command);
}

async function showStatus() {
  try {
    const { status } = await ask({ ask: "status" });
    showState(words(status));
    element("facts").replaceChildren(...facts(status).flatMap(([label, value]) => [made("dt", label), made("dd", value)]));
    element("facts").hidden = false;
    element("count").textContent = plural(status.passkeys, "passkey", "passkeys");
    element("listing").hidden = !status.pin;
    element("show-passkeys").disabled = status.passkeys === 0;
    if (status.pin && status.passkeys > 0) await showPasskeys(false);
  } catch (error) {
    showState(trouble(error));
  }
}

/** Where this computer is registered; nothing where it is nowhere. */
async function showDevices() {
  const { devices } = await ask({ ask: "devices" });
  element("devices").replaceChildren(...devices.map(organisation));
  element("organisations").hidden = devices.length === 0;
}

function organisation(device) {
  const line = document.createElement("li");
  const { name, user, state } = registration(device);
  line.append(made("span", name, "account"), made("span", user, "rp"), made("span", state, "made"));
  return line;
}

/** @param {{wanted: boolean, problem: string | null}} attachment */
function showAttachment({ wanted, problem }) {
  element("attached").checked = wanted;
  element("attached").disabled = false;
  put("problem", problem);
}

/** @param {boolean} anew whether the daemon may ask for the PIN */
async function showPasskeys(anew) {
  const button = element("show-passkeys");
  button.disabled = anew;
  if (anew) note("Latchkey asks for your PIN in its own window.", "waiting");
  try {
    const found = await ask({ ask: "passkeys", anew });
    if (!found) return;
    note(null);
    element("passkeys").replaceChildren(...found.passkeys.map(item));
    element("passkeys").hidden = found.passkeys.length === 0;
    button.textContent = "Refresh";
  } catch (error) {
    note(error.message, "error");
  } finally {
    button.disabled = false;
  }
}

/** @param {string | null} text @param {string} [kind] */
function note(text, kind = "") {
  put("listing-note", text);
  element("listing-note").dataset.kind = kind;
}

/** One passkey. The names come from web sites, so they are only ever text. */
function item(passkey) {
  const line = document.createElement("li");
  const account = passkey.label ?? passkey.user?.display_name ?? passkey.user?.name ?? "Unnamed account";
  const name = passkey.user?.name;
  line.append(
    made("span", account, "account"),
    made("span", name && name !== account ? `${passkey.rp_id} · ${name}` : passkey.rp_id, "rp"),
    made("span", passkey.created ? day(passkey.created) : "", "made"),
  );
  return line;
}

function made(tag, text, className = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  return node;
}

element("attached").addEventListener("change", async ({ target }) => {
  target.disabled = true;
  showAttachment(await ask({ ask: "setAttached", attached: target.checked }));
});
element("show-passkeys").addEventListener("click", () => showPasskeys(true));

ask({ ask: "attachment" }).then(showAttachment, (error) => put("problem", error.message));
showStatus();
// Without a container or a daemon there are none, and the state above says so.
showDevices().catch(() => {});
