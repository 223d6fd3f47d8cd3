/** What the popup says about the container: pure functions from the host's answers to words. */

/**
 * @typedef {{state: string, text: string, detail?: string, command?: string}} Words
 * @typedef {{class: string, description?: string, created?: number, passkeys: number,
 *            pin: {tries_left: number, limit: number} | null, lockout?: unknown}} Status
 */

/**
 * @param {Status} status
 * @returns {Words}
 */
export function words(status) {
  if (!status.pin) {
    return {
      state: "no_pin",
      text: "No PIN is set",
      detail: "Passkeys can be made and used once the container has a PIN.",
      command: "latchkey pin set",
    };
  }
  if (status.pin.tries_left === 0) {
    return {
      state: "blocked",
      text: "The PIN is blocked",
      detail: "Too many wrong PINs. Only a new container helps; it starts without passkeys.",
      command: "latchkey container destroy",
    };
  }
  const few = status.pin.tries_left < status.pin.limit;
  return {
    state: "ready",
    text: "Ready",
    detail: few ? `${plural(status.pin.tries_left, "PIN try", "PIN tries")} left.` : "Sites can ask for your passkeys.",
  };
}

/**
 * @param {{kind?: string, message: string}} error
 * @returns {Words}
 */
export function trouble({ kind, message }) {
  switch (kind) {
    case "no_daemon":
      return { state: "no_daemon", text: "Latchkey is not running", detail: "Start it in a terminal:", command: "latchkey up" };
    case "no_host":
      return {
        state: "no_host",
        text: "Not connected to this browser",
        detail: "Run this once in a terminal, then open this again:",
        command: "latchkey browser install",
      };
    case "no_container":
      return {
        state: "no_container",
        text: "No container yet",
        detail: "Make the place where your passkeys live:",
        command: "latchkey container create",
      };
    default:
      return { state: "failed", text: "Something is wrong", detail: message };
  }
}

const PROTECTED_BY = new Map([
  ["hardware", "TPM of this computer"],
  ["virtual", "Virtual TPM"],
  ["software", "Software (no TPM)"],
]);

/**
 * The rows under the state, label and value.
 * @param {Status} status
 * @returns {[string, string][]}
 */
export function facts(status) {
  /** @type {[string, string][]} */
  const rows = [["Protected by", PROTECTED_BY.get(status.class) ?? status.class]];
  if (status.pin) rows.push(["PIN tries left", `${status.pin.tries_left} of ${status.pin.limit}`]);
  if (status.created) rows.push(["Container made", day(status.created)]);
  return rows;
}

/**
 * A registration at an organisation's identity provider, in words.
 * @param {{tenant: string, user: string, signed_in: boolean}} device
 */
export function registration({ tenant, user, signed_in }) {
  return { name: tenant, user, state: signed_in ? "Signed in: its pages do not ask" : "Signed out. Run: latchkey signin" };
}

/** @param {number} seconds since 1970 */
export function day(seconds) {
  return new Date(seconds * 1000).toLocaleDateString(undefined, { dateStyle: "medium" });
}

/** @param {number} n @param {string} one @param {string} many */
export function plural(n, one, many) {
  return `${n} ${n === 1 ? one : many}`;
}
