/** The connection to Latchkey's native messaging host: requests out, answers back, by id. */

const HOST = "dev.latchkey.host";

/** The host and its process are let go after this long without a request, so that this worker may sleep. */
const IDLE_MS = 10_000;

/**
 * Why there is no answer, in the words of the native host: the page sees name and message, the popup also the kind.
 */
export class HostError extends Error {
  /**
   * @param {{name?: string, message?: string, kind?: string, tries_left?: number|null}} error
   */
  constructor(error) {
    super(error?.message ?? "Latchkey failed without saying why.");
    this.name = error?.name ?? "UnknownError";
    this.kind = error?.kind ?? "failed";
    this.triesLeft = error?.tries_left ?? null;
  }
}

/** @type {chrome.runtime.Port | null} */
let port = null;
/** @type {Map<number, {resolve: (ok: unknown) => void, reject: (error: HostError) => void}>} */
const waiting = new Map();
let lastId = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let idle;

/**
 * Sends a message and waits for its answer.
 * @param {{kind: string, origin?: string, crossOrigin?: boolean, options?: object}} message
 * @returns {{id: number, answer: Promise<unknown>}} the id is what {@link cancel} takes
 */
export function ask(message) {
  const id = ++lastId;
  const answer = new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    send({ id, ...message });
  });
  return { id, answer };
}

/**
 * Calls a ceremony off; it then answers with an error of its own.
 * @param {number} id
 */
export function cancel(id) {
  if (waiting.has(id)) send({ id, kind: "cancel" });
}

/** @param {object} message */
function send(message) {
  clearTimeout(idle);
  try {
    connect().postMessage(message);
  } catch (error) {
    hostGone(error.message);
  }
}

/** Opens the connection if there is none: the worker may have slept, the host may have been restarted. */
function connect() {
  if (port) return port;
  port = chrome.runtime.connectNative(HOST);
  port.onMessage.addListener(received);
  port.onDisconnect.addListener(() => hostGone(chrome.runtime.lastError?.message ?? ""));
  return port;
}

/** @param {{id?: number, ok?: unknown, error?: object}} message */
function received(message) {
  const request = waiting.get(message?.id);
  if (!request) return;
  waiting.delete(message.id);
  if (message.error) request.reject(new HostError(message.error));
  else request.resolve(message.ok);
  letGoWhenIdle();
}

/** @param {string} reason Chromium's words */
function hostGone(reason) {
  port = null;
  clearTimeout(idle);
  const error = new HostError(explain(reason));
  const requests = [...waiting.values()];
  waiting.clear();
  for (const { reject } of requests) reject(error);
}

function letGoWhenIdle() {
  clearTimeout(idle);
  if (waiting.size > 0) return;
  idle = setTimeout(() => {
    port?.disconnect();
    port = null;
  }, IDLE_MS);
}

/**
 * Turns Chromium's reason into one that says what to do.
 * @param {string} reason
 */
function explain(reason) {
  if (reason.includes("not found")) {
    return {
      kind: "no_host",
      message: "Latchkey is not connected to this browser. Run: latchkey browser install",
    };
  }
  if (reason.includes("forbidden")) {
    return {
      kind: "no_host",
      message: "Latchkey is connected to another copy of this extension. Run: latchkey browser install",
    };
  }
  return {
    kind: "no_daemon",
    message: "Latchkey is not running. Run: latchkey up",
  };
}
