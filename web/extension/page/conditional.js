/**
 * In the page's own world, before its scripts: Chromium does not hand conditional requests to an extension, so this keeps
 * such a request waiting, has `offer.js` show the passkeys at the user name field, and on a choice makes the same
 * request as a modal one. That one goes the usual way, so Chromium itself writes the origin into it.
 *
 * The page may tamper with everything here. It gains nothing: no name of a passkey and no secret ever comes into this
 * world, and what this world may ask for, the page may ask Chromium for directly.
 */
(() => {
  const Credential = globalThis.PublicKeyCredential;
  if (typeof Credential?.isConditionalMediationAvailable !== "function" || !navigator.credentials) return;

  /** The way to `offer.js`; only the two of us hold it. @type {MessagePort | null} */
  let port = null;
  /** Questions that wait for an answer, by number. @type {Map<number, (answer: any) => void>} */
  const waiting = new Map();
  let asked = 0;
  /** The conditional request that waits for a choice. @type {Waiting | null} */
  let current = null;

  /** @typedef {{options: CredentialRequestOptions, get: (options: object) => Promise<Credential | null>,
   *             resolve: (credential: Credential | null) => void, reject: (reason: unknown) => void, running: boolean}} Waiting */

  // Both scripts run before the page's, in an order that Chromium chooses. Whoever comes second is heard by the first.
  addEventListener(
    "latchkey-port",
    (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      [port] = event.ports;
      port.onmessage = ({ data }) => received(data);
    },
    { once: true, capture: true },
  );
  dispatchEvent(new Event("latchkey-page"));

  function received({ id, answer, chosen }) {
    if (chosen !== undefined) choose(chosen);
    else waiting.get(id)?.(answer);
    waiting.delete(id);
  }

  /** Whether Latchkey answers this browser's requests now. @returns {Promise<boolean>} */
  function attached() {
    if (!port) return Promise.resolve(false);
    return new Promise((resolve) => {
      const id = ++asked;
      waiting.set(id, resolve);
      port.postMessage({ id, ask: "attached" });
    });
  }

  /** Keeps the request until a passkey is chosen or the page calls it off. */
  function offer(options, get) {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) throw signal.reason;
      giveWay();
      const mine = { options, get, resolve, reject, running: false };
      current = mine;
      signal?.addEventListener("abort", () => current === mine && withdraw(signal.reason), { once: true });
      port.postMessage({ ask: "offer", rpId: String(options.publicKey.rpId ?? location.hostname) });
    });
  }

  /** A document has one conditional request: a newer one takes the place. */
  function giveWay() {
    withdraw(new DOMException("Another request took the place of this one.", "AbortError"));
  }

  function withdraw(reason) {
    if (!current) return;
    const { reject } = current;
    current = null;
    port.postMessage({ ask: "withdraw" });
    reject(reason);
  }

  /** Makes the modal request. @param {string} passkey a credential ID in base64url, or "" for any */
  async function choose(passkey) {
    const mine = current;
    if (!mine || mine.running) return;
    mine.running = true;
    const { signal, publicKey } = mine.options;
    const only = passkey ? { allowCredentials: [{ type: "public-key", id: bytes(passkey) }] } : {};
    try {
      const credential = await mine.get({ publicKey: { ...publicKey, ...only }, signal });
      if (current === mine) current = null;
      mine.resolve(credential);
      port.postMessage({ ask: "withdraw" });
    } catch (error) {
      if (current !== mine) return;
      mine.running = false;
      // Who cancels the prompt may choose again: a conditional request does not end by that (WebAuthn L3 §5.1.4).
      if (error?.name === "NotAllowedError") port.postMessage({ ask: "again" });
      else withdraw(error);
    }
  }

  function bytes(base64url) {
    const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }

  /** Replaces a method by a proxy of it, which has its name, its length and its errors. */
  function intercept(object, name, apply) {
    const found = Object.getOwnPropertyDescriptor(object, name);
    if (typeof found?.value !== "function") return;
    Object.defineProperty(object, name, { ...found, value: new Proxy(found.value, { apply }) });
  }

  intercept(CredentialsContainer.prototype, "get", (native, container, args) => {
    const [options] = args;
    if (options?.mediation !== "conditional" || !options.publicKey || container !== navigator.credentials) {
      return Reflect.apply(native, container, args);
    }
    // At once: the newer one may be called off before it is known who answers it.
    if (!options.signal?.aborted) giveWay();
    return attached().then((yes) =>
      yes ? offer(options, (modal) => Reflect.apply(native, container, [modal])) : Reflect.apply(native, container, args),
    );
  });

  intercept(Credential, "isConditionalMediationAvailable", async (native, self, args) => {
    return (await attached()) || Reflect.apply(native, self, args);
  });

  intercept(Credential, "getClientCapabilities", async (native, self, args) => {
    const capabilities = await Reflect.apply(native, self, args);
    return (await attached()) ? { ...capabilities, conditionalGet: true } : capabilities;
  });
})();
