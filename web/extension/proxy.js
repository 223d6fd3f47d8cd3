/** Latchkey as this browser's WebAuthn: attach, answer requests, detach. */

import { ask, cancel } from "./native.js";
import { ceremonyFrom } from "./request.js";

const proxy = chrome.webAuthenticationProxy;

/** The host's id of each request that Chromium waits for, by Chromium's id. @type {Map<number, number>} */
const running = new Map();

/** Whether the user wants Latchkey to answer; on until switched off. */
async function wanted() {
  const { attached } = await chrome.storage.local.get({ attached: true });
  return attached;
}

/**
 * Whether Latchkey answers this browser's requests, and what stands in the way if it should and does not.
 * @returns {Promise<{wanted: boolean, problem: string | null}>}
 */
export async function attachment() {
  const { problem } = await chrome.storage.session.get({ problem: null });
  return { wanted: await wanted(), problem };
}

/** Remembers the user's choice and carries it out. @param {boolean} attached */
export async function setAttached(attached) {
  await chrome.storage.local.set({ attached });
  await carryOut();
  return attachment();
}

/**
 * Attaches or detaches as the user wants. Called whenever this worker starts: Chromium forgets the attachment when
 * the browser restarts or the extension is reloaded, and attaching twice does no harm.
 */
export async function carryOut() {
  const attached = await wanted();
  // Both answer with an error text, or nothing on success.
  const error = attached ? await proxy.attach() : await proxy.detach();
  const problem = attached && error ? `Another extension answers passkey requests: ${error}` : null;
  await chrome.storage.session.set({ problem });
  await chrome.action.setBadgeText({ text: attached ? (problem ? "!" : "") : "off" });
  await chrome.action.setBadgeBackgroundColor({ color: problem ? "#b3261e" : "#5f6b7a" });
}

/** @param {{requestId: number, requestDetailsJson: string}} request */
export async function create(request) {
  await proxy.completeCreateRequest(await ceremony("create", request)).catch(alreadyOver);
}

/** @param {{requestId: number, requestDetailsJson: string}} request */
export async function get(request) {
  await proxy.completeGetRequest(await ceremony("get", request)).catch(alreadyOver);
}

/** @param {{requestId: number}} request */
export async function isUvpaa({ requestId }) {
  const answer = await ask({ kind: "isUvpaa" }).answer.catch(() => false);
  await proxy.completeIsUvpaaRequest({ requestId, isUvpaa: answer === true }).catch(alreadyOver);
}

/** The page gave up, or was closed. @param {number} requestId */
export function canceled(requestId) {
  const id = running.get(requestId);
  if (id !== undefined) cancel(id);
}

/**
 * @param {"create" | "get"} kind
 * @param {{requestId: number, requestDetailsJson: string}} request
 */
async function ceremony(kind, { requestId, requestDetailsJson }) {
  try {
    const { id, answer } = ask({ kind, ...ceremonyFrom(requestDetailsJson) });
    running.set(requestId, id);
    return { requestId, responseJson: JSON.stringify(await answer) };
  } catch ({ name, message }) {
    return { requestId, error: { name, message } };
  } finally {
    running.delete(requestId);
  }
}

/** Chromium takes no answer to a request that was cancelled meanwhile; nobody is left to tell. */
function alreadyOver(error) {
  console.debug("request is over:", error.message);
}
