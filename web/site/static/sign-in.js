// Sign in: by button, by user name, or by choosing a passkey in the field's autofill list. Also the confirm page.

import { busy, get, supported } from "./ceremony.js";
import { explain, hush, markWrong, say } from "./message.js";

const button = document.getElementById("signin-passkey");
const form = document.getElementById("signin-form");
const field = document.getElementById("signin-username");

// A challenge lives five minutes; the autofill request is renewed before that.
const RENEW_AFTER = 4 * 60 * 1000;
let renewal = 0;
let asked = false;

async function signIn(start) {
  clearTimeout(renewal);
  asked = true;
  say("Follow the prompt of your device.");
  try {
    location.assign(await busy(() => get(start)));
  } catch (error) {
    explain(error, "get");
    asked = false;
    offerAutofill();
  }
}

/** Offers passkeys in the autofill list of the user name field, where the browser can. */
async function offerAutofill() {
  if (!field || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  // The user may have pressed a button meanwhile, and a browser serves one request at a time.
  if (asked) return;
  clearTimeout(renewal);
  renewal = setTimeout(offerAutofill, RENEW_AFTER);
  let answered = false;
  try {
    const started = () => {
      answered = true;
      say("Signing in…");
    };
    location.assign(await get({}, { mediation: "conditional", started }));
  } catch (error) {
    // Until a passkey was chosen nobody asked for anything, so nobody needs to hear of it.
    if (answered) {
      explain(error, "get");
      offerAutofill();
    }
  }
}

if (supported) {
  button.addEventListener("click", () => {
    const username = button.dataset.username;
    signIn(username ? { username } : {});
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const username = field.value.trim();
    if (!username) {
      say("Enter your user name, or sign in with a passkey without one.", "error", "name");
      markWrong(field);
      return;
    }
    hush();
    signIn({ username });
  });
  offerAutofill();
} else {
  say("This browser is too old for passkeys. Use a current version.", "error", "unsupported");
}
