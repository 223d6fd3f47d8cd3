// The account page: add a passkey. Renaming and deleting are plain forms and need no script.

import { busy, create, supported } from "./ceremony.js";
import { explain, say } from "./message.js";

const form = document.getElementById("passkey-add-form");
const field = document.getElementById("passkey-add-name");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!supported) {
    say("This browser is too old for passkeys. Use a current version.", "error", "unsupported");
    return;
  }
  say("Follow the prompt of your device.");
  const name = field.value.trim();
  try {
    location.assign(await busy(() => create("/api/passkeys", {}, name ? { name } : {})));
  } catch (error) {
    if (error.code === "confirm-first") location.assign("/confirm");
    else explain(error, "create");
  }
});

// One open panel at a time; its field gets the focus.
const panels = [...document.querySelectorAll(".actions details")];
for (const panel of panels) {
  panel.addEventListener("toggle", () => {
    if (!panel.open) return;
    for (const other of panels) if (other !== panel) other.open = false;
    panel.querySelector("input[type=text]")?.select();
  });
}
