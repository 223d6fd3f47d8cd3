// Every page: times in the reader's own zone, fields that can be shown, texts that can be copied, forms sent once.
// Without script each page does the same, a little less comfortably.

for (const time of document.querySelectorAll("time[datetime]")) {
  const date = new Date(time.dateTime);
  if (Number.isNaN(date.getTime())) continue;
  time.title = time.textContent;
  time.textContent = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.setAttribute("aria-label", "Show what I type");
  button.addEventListener("click", () => {
    const show = field.type === "password";
    field.type = show ? "text" : "password";
    button.textContent = show ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(show));
    field.focus();
  });
  // Browsers remember text fields, but not password fields.
  field.form.addEventListener("submit", () => { field.type = "password"; });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf(source));
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

function textOf(source) {
  if (source.tagName !== "DL") return source.textContent.trim();
  return [...source.children].map((line) => `${line.children[0].textContent}: ${line.children[1].textContent.trim()}`).join("\n");
}

for (const field of document.querySelectorAll("[data-same-as]")) {
  const first = document.getElementById(field.dataset.sameAs);
  const compare = () => field.setCustomValidity(field.value === first.value ? "" : "The two passwords differ.");
  first.addEventListener("input", compare);
  field.addEventListener("input", compare);
}

for (const field of document.querySelectorAll("[aria-invalid]")) {
  field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
}

// A form goes once. The buttons stay enabled, because a disabled one would not send its own value.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("aria-busy")) event.preventDefault();
    else form.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});
