// The link of a first sign-in: its secret moves from the address into the form, so that it stays out of the history.
// The form is not sent by itself: programs that look at links in mails run scripts too, and press no buttons.

const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("link").value = secret;
  document.getElementById("link-field").hidden = true;
  document.getElementById("welcome-submit").focus();
}
