/** What the popup asks this worker. */

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
  passkeys: ({ anew }) => passkeys(anew),
};

/**
 * @param {{ask: string}} message
 * @param {chrome.runtime.MessageSender} sender
 * @param {(answer: object) => void} respond
 */
export function answerPopup(message, sender, respond) {
  const answer = Object.hasOwn(answers, message?.ask) ? answers[message.ask] : undefined;
  // Only our own pages may ask; this extension has no content scripts.
  if (!answer || sender.id !== chrome.runtime.id) return false;
  answer(message).then(
    (ok) => respond({ ok }),
    ({ name, message, kind, triesLeft }) => respond({ error: { name, message, kind, triesLeft } }),
  );
  return true;
}

/**
 * @param {boolean} anew ask the daemon, which asks for the PIN; otherwise only what is still at hand, or null
 */
async function passkeys(anew) {
  const fresh = listing !== null && Date.now() - listing.asked < FRESH_MS;
  // A second click must not put a second question while the first is still open.
  const open = fresh && !listing.answered;
  if (!fresh) listing = null;
  if (anew && !open) listing = list();
  return listing?.answer ?? null;
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
