/** What a proxied WebAuthn request says: pure functions, no browser API. */

/**
 * A request as the native host takes it.
 * @typedef {{origin: string, crossOrigin: boolean, options: object}} Ceremony
 */

/** The request does not say who calls, or is no request at all. */
export class Refused extends Error {
  /**
   * @param {string} name the DOMException that the page sees
   * @param {string} message
   */
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

/**
 * Reads the options and the caller out of `requestDetailsJson`.
 *
 * The origin is `extensions.remoteDesktopClientOverride.origin`, and nothing else: Chromium writes it itself and
 * refuses to proxy a request in which the page brought its own. The address of the tab says nothing about the frame
 * that called, so there is no fallback.
 *
 * @param {string} requestDetailsJson
 * @returns {Ceremony}
 */
export function ceremonyFrom(requestDetailsJson) {
  let details;
  try {
    details = JSON.parse(requestDetailsJson);
  } catch {
    throw new Refused("UnknownError", "The browser's request is not JSON.");
  }
  const caller = details?.extensions?.remoteDesktopClientOverride;
  if (typeof caller?.origin !== "string" || caller.origin === "") {
    throw new Refused("SecurityError", "The browser does not say which origin asks, so Latchkey does not answer.");
  }
  if (typeof caller.sameOriginWithAncestors !== "boolean") {
    throw new Refused("SecurityError", "The browser does not say whether the asking frame is embedded elsewhere.");
  }
  // The rest of the extensions are the page's own; this one is a message from the browser to us.
  const { remoteDesktopClientOverride: _, ...extensions } = details.extensions;
  return {
    origin: withoutSlash(caller.origin),
    crossOrigin: !caller.sameOriginWithAncestors,
    options: { ...details, extensions },
  };
}

/**
 * A serialised origin has no path. Some Chromium versions write the origin as an URL, with one slash at its end.
 * @param {string} origin
 */
function withoutSlash(origin) {
  return origin.endsWith("/") ? origin.slice(0, -1) : origin;
}
