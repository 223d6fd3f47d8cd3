// Make an account: a user name and its first passkey.

import { busy, create, supported } from "./ceremony.js";
import { explain, markWrong, say } from "./message.js";

const form = document.getElementById("register-form");
const field = document.getElementById("register-username");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!supported) return;
  const username = field.value.trim();
  if (!username) {
    say("Enter a user name.", "error", "name");
    markWrong(field);
    return;
  }
  say("Follow the prompt of your device.");
  try {
    location.assign(await busy(() => create("/api/register", { username })));
  } catch (error) {
    explain(error, "create");
    if (error.code === "name" || error.code === "name-taken") markWrong(field);
  }
});

if (!supported) {
  say("This browser is too old for passkeys. Use a current version.", "error", "unsupported");
}
