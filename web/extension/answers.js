/** What the popup and the scripts on pages ask this worker: each its own questions, and none of the other's. */

import { ask } from "./native.js";
import { attachment, setAttached } from "./proxy.js";

/** How long a list of passkeys stays to be shown again. */
const FRESH_MS = 60_000;

/** @typedef {{answer: Promise<unknown>, asked: number, answered: boolean}} Listing */

/**
 * The last listing, finished or not. The PIN prompt takes the focus, which closes the popup: it finds the list here
 * when it is opened again. In memory only, and only for a minute.
 * @type {Listing | null}
 */
let listing = null;

/** @type {Record<string, (message: any) => Promise<unknown>>} */
const answers = {
  attachment,
  setAttached: ({ attached }) => setAttached(attached),
  status: () => ask({ kind: "status" }).answer,
  devices: () => ask({ kind: "devices" }).answer,
  passkeys: ({ anew }) => passkeys(anew),
};

/**
 * @param {{ask: string}} message
 * @param {chrome.runtime.MessageSender} sender
 * @param {(answer: object) => void} respond
 */
export function answerPopup(message, sender, respond) {
  const answer = Object.hasOwn(answers, message?.ask) ? answers[message.ask] : undefined;
  // Our scripts on pages have our ID as well, but the page's origin.
  if (!answer || sender.id !== chrome.runtime.id || sender.origin !== location.origin) return false;
  answer(message).then(
    (ok) => respond({ ok }),
    ({ name, message, kind, triesLeft }) => respond({ error: { name, message, kind, triesLeft } }),
  );
  return true;
}

/**
 * What a script on a page may know: whether Latchkey answers, the passkeys of the page's own site that are at hand, and
 * what signs in at the page, if it is the provider's where this computer is signed in.
 * Chromium itself says which page that is.
 *
 * @param {{page: string, rpId?: string}} question
 * @param {chrome.runtime.MessageSender} sender
 * @param {(answer: unknown) => void} respond
 */
export function answerPage(question, sender, respond) {
  if (typeof question?.page !== "string" || sender.id !== chrome.runtime.id || !sender.tab) return false;
  answerFor(question, sender).then(respond, () => respond(null));
  return true;
}

async function answerFor({ page, rpId }, sender) {
  const { wanted, problem } = await attachment();
  if (page === "credential") return wanted && sender.frameId === 0 ? credential(sender.origin) : null;
  const attached = wanted && !problem;
  if (page === "attached" || !attached) return attached;
  const host = new URL(sender.origin).hostname;
  if (page !== "passkeys" || typeof rpId !== "string" || !belongs(host, rpId)) return null;
  // Not `passkeys()`: that one waits while the daemon still asks for the PIN.
  const { passkeys: found } = fresh() && listing.answered ? await listing.answer : {};
  return found?.filter((passkey) => passkey.rp_id === rpId && passkey.discoverable).map(entry) ?? null;
}

/** What signs this computer's user in at the provider of that origin. @param {string} origin */
async function credential(origin) {
  const { credential } = await ask({ kind: "credential", origin }).answer;
  return credential;
}

/** The RP ID of a page is its host or a domain above it (WebAuthn L3 §5.1.2); no passkey has a public suffix. */
function belongs(host, rpId) {
  return rpId !== "" && (host === rpId || host.endsWith(`.${rpId}`));
}

function entry({ id, label, user, rp_id }) {
  const account = label ?? user?.display_name ?? user?.name ?? "Unnamed account";
  return { id, account, detail: user?.name && user.name !== account ? user.name : rp_id };
}

/**
 * @param {boolean} anew ask the daemon, which asks for the PIN; otherwise only what is still at hand, or null
 */
async function passkeys(anew) {
  // A second click must not put a second question while the first is still open.
  const open = fresh() && !listing.answered;
  if (!fresh()) listing = null;
  if (anew && !open) listing = list();
  return listing?.answer ?? null;
}

function fresh() {
  return listing !== null && Date.now() - listing.asked < FRESH_MS;
}

/** @returns {Listing} */
function list() {
  const asked = { answer: ask({ kind: "passkeys" }).answer, asked: Date.now(), answered: false };
  asked.answer.then(
    () => (asked.answered = true),
    () => {
      if (listing === asked) listing = null;
    },
  );
  return asked;
}
