// The one place where the page speaks: #message, a live region, so screen readers hear it.

const region = document.getElementById("message");

/** Shows a sentence. `kind`: "info", "success" or "error"; `code`: stable, for scripts and tests. */
export function say(text, kind = "info", code = "") {
  region.textContent = text;
  region.dataset.kind = kind;
  if (code) region.dataset.code = code;
  else delete region.dataset.code;
  region.scrollIntoView({ block: "nearest" });
}

// What the errors of WebAuthn mean to a person (WebAuthn L3 §5.1.3 and §5.1.4). They say little on purpose:
// a site must not learn which passkeys a device holds.
const SENTENCES = {
  create: {
    NotAllowedError: "No passkey was made: you cancelled, it took too long, or your device refused. Try again.",
    InvalidStateError: "This device already has a passkey for this account.",
    ConstraintError: "This device cannot check that it is you, for instance because it has no PIN yet. Set one and try again.",
    NotSupportedError: "This device cannot make a kind of passkey that your organisation accepts.",
  },
  get: {
    NotAllowedError: "You are not signed in: you cancelled, it took too long, or your device has no matching passkey. Try again.",
    InvalidStateError: "Your device could not use this passkey. Try another one.",
    ConstraintError: "This device cannot check that it is you, for instance because it has no PIN. Set one and try again.",
    NotSupportedError: "This device cannot use passkeys in the way that your organisation asks for.",
  },
  both: {
    SecurityError: "This page is open at an address for which passkeys do not work. Open it at its own address.",
    AbortError: "That was stopped. Try again.",
    UnknownError: "Your device reported an error of its own. Check that it is unlocked and working, then try again.",
    OperationError: "Your device is busy with another request. Finish or cancel that one first.",
  },
};

/** Shows why a ceremony ("create" or "get") failed. */
export function explain(error, ceremony) {
  const sentence = SENTENCES[ceremony][error.name] ?? SENTENCES.both[error.name];
  say(sentence ?? "Something went wrong in the browser. Reload the page and try again.", "error", error.name);
}

/** Says that this browser cannot do it. */
export function tooOld() {
  say("This browser is too old for passkeys. Use a current version, or another way to sign in.", "error", "unsupported");
}
