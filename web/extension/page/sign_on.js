/**
 * On an identity provider's sign-in page, before it is shown: if this computer is signed in at that very provider, the
 * page is opened anew with a credential that says so, and nobody is asked anything.
 *
 * Latchkey decides whether it is that provider, by the origin that Chromium names; whoever else has a page at such an
 * address gets nothing.
 */
{
  /** Where authorization requests go, in both dialects. */
  const AUTHORIZE = /\/oauth2(\/v2\.0)?\/authorize$/i;
  /** Says that it was tried: the page that comes back is for people. */
  const TRIED = "sso_reload";
  const COOKIE = "x-ms-RefreshTokenCredential";
  /** The credential is good once, at once. */
  const SECONDS = 20;

  const address = new URL(location.href);
  if (AUTHORIZE.test(address.pathname) && !address.searchParams.has(TRIED)) {
    chrome.runtime.sendMessage({ page: "credential" }).then(
      (credential) => {
        if (typeof credential === "string") openAnew(credential);
      },
      () => {}, // Latchkey does not run: the page asks for a person.
    );
  }

  function openAnew(credential) {
    const secure = address.protocol === "https:" ? "; Secure" : "";
    // For this path alone, so that nothing else of the provider gets it, and sent by nobody else's page.
    document.cookie = `${COOKIE}=${credential}; Path=${address.pathname}; Max-Age=${SECONDS}; SameSite=Strict${secure}`;
    address.searchParams.set(TRIED, "true");
    location.replace(address);
  }
}
