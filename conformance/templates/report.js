"use strict";
const cases = [...document.querySelectorAll(".case")].map((element) => ({
  element,
  words: element.querySelector("summary").textContent.toLowerCase(),
}));
const search = document.querySelector("input");
const buttons = [...document.querySelectorAll("[data-show]")];

function show() {
  const wanted = buttons.find((button) => button.getAttribute("aria-pressed") === "true").dataset.show;
  const words = search.value.toLowerCase().split(/\s+/);
  let any = false;
  for (const { element, words: own } of cases) {
    const fits = (!wanted || element.classList.contains(wanted)) && words.every((word) => own.includes(word));
    element.hidden = !fits;
    any ||= fits;
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector(".case:not([hidden])");
  }
  document.querySelector(".none").hidden = any;
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    show();
  });
}
search.addEventListener("input", show);
