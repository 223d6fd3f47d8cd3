// Sends the page's one form by itself (OAuth 2.0 Form Post Response Mode). Without script its button does it.

const form = document.querySelector('form[data-submit="at-once"]');
// Called through the prototype: a field of the answer could be named "submit".
if (form) HTMLFormElement.prototype.submit.call(form);
