/**
 * In the extension's world on a page: shows the passkeys at the user name field while the page waits for a conditional
 * request. Until a page makes one, this only listens for `conditional.js`.
 *
 * What it may ask of the service worker: whether Latchkey is attached, and which passkeys *of this page's own site* the
 * popup has at hand. It cannot make the daemon ask for a PIN.
 */
(() => {
  /** The page's request waits for a choice. */
  let waiting = false;
  let rpId = "";
  let note = "";
  /** @type {PasskeyList | null} */
  let list = null;
  let port;

  function connect() {
    const channel = new MessageChannel();
    const untaken = dispatchEvent(new MessageEvent("latchkey-port", { ports: [channel.port2], cancelable: true }));
    if (untaken) return;
    removeEventListener("latchkey-page", connect, { capture: true });
    port = channel.port1;
    port.onmessage = ({ data }) => received(data);
  }
  addEventListener("latchkey-page", connect, { capture: true });
  connect();

  async function received({ id, ask, rpId: asked }) {
    if (ask === "attached") port.postMessage({ id, answer: (await worker({ page: "attached" })) === true });
    if (ask === "offer") {
      [waiting, rpId, note] = [true, asked, ""];
      listen(addEventListener);
      open(document.activeElement);
    }
    if (ask === "again") {
      note = "You were not signed in. Choose again, or type your user name.";
      open(document.activeElement);
    }
    if (ask === "withdraw") {
      waiting = false;
      listen(removeEventListener);
      close();
    }
  }

  /** @param {typeof addEventListener} change */
  function listen(change) {
    change("focusin", focused, true);
    change("focusout", left, true);
    change("click", clicked, true);
    change("keydown", pressed, true);
    change("input", close, true);
  }

  /** The service worker's answer, or null when this copy of the extension was replaced meanwhile. */
  async function worker(question) {
    try {
      return (await chrome.runtime.sendMessage(question)) ?? null;
    } catch {
      return null;
    }
  }

  /** Whether this is a field at which passkeys are offered (HTML, autofill detail token "webauthn"). */
  function wants(target) {
    return (
      (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) &&
      target.autocomplete.toLowerCase().split(/\s+/).includes("webauthn")
    );
  }

  async function open(target) {
    if (!waiting || list || !wants(target)) return;
    const passkeys = await worker({ page: "passkeys", rpId });
    // Meanwhile the page may have changed its mind, or the user the field.
    if (!waiting || list || document.activeElement !== target) return;
    const entries = passkeys?.length
      ? passkeys
      : [{ id: "", account: "Sign in with a passkey", detail: "Latchkey asks for your PIN" }];
    list = new PasskeyList(target, entries, note, chosen);
    list.show();
  }

  function close() {
    list?.close();
    list = null;
  }

  function chosen(passkey) {
    list.leave();
    close();
    port.postMessage({ chosen: passkey });
  }

  function focused({ target }) {
    if (list?.holds(target)) return;
    open(target);
  }

  function left({ relatedTarget }) {
    if (list && !list.holds(relatedTarget) && !wants(relatedTarget)) close();
  }

  function clicked(event) {
    if (!event.isTrusted || list?.holds(event.target)) return;
    open(event.target);
  }

  /** Escape closes the list, the down arrow goes into it; the page hears neither while the list is open. */
  function pressed(event) {
    if (!list || !event.isTrusted) return;
    if (event.key === "Escape") {
      list.leave();
      close();
    } else if (event.key === "ArrowDown" && !list.holds(event.target)) {
      list.focusFirst();
    } else {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }
})();
