/** The list under a user name field. It lives in a closed shadow root, so the page cannot read it. */

const SVG = "http://www.w3.org/2000/svg";
const KEY = "M8 4a6 6 0 1 0 5.66 8H15v2.5h3V12h1v2.5h3V9h-8.34A6 6 0 0 0 8 4Zm0 3.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5Z";

const STYLE = `
  :host { color-scheme: light dark; }
  .list {
    --card: light-dark(#ffffff, #1a2128); --line: light-dark(#dedad1, #2d3741); --text: light-dark(#1b232c, #e9ecef);
    --quiet: light-dark(#56606c, #a7b0ba); --accent: light-dark(#0f5e5a, #58bdb3); --tint: light-dark(#e3efed, #173533);
    --bad: light-dark(#a92b22, #ff9b92);
    box-sizing: border-box; max-height: min(22rem, 60vh); overflow-y: auto; padding: 6px; background: var(--card); color: var(--text); border: 1px solid var(--line);
    border-radius: 12px; box-shadow: 0 2px 6px rgb(0 0 0 / 12%), 0 12px 32px rgb(0 0 0 / 18%);
    font: 14px/1.4 system-ui, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif; text-align: left;
  }
  button {
    all: unset; box-sizing: border-box; display: flex; align-items: center; gap: 12px; width: 100%; min-height: 46px;
    padding: 7px 10px; border-radius: 8px; cursor: pointer;
  }
  button:hover, button:focus { background: var(--tint); }
  button:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
  svg { flex: none; width: 22px; height: 22px; color: var(--accent); }
  .words { min-width: 0; display: grid; }
  .words span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .account { font-weight: 600; }
  .detail, footer { color: var(--quiet); font-size: 12.5px; }
  .note { margin: 4px 10px 6px; color: var(--bad); font-size: 13px; }
  .note:empty { display: none; }
  footer { display: flex; justify-content: space-between; gap: 12px; margin: 4px 10px 2px; padding-top: 6px; border-top: 1px solid var(--line); }
  @media (forced-colors: active) { button:focus { outline: 2px solid; } }
`;

/** @typedef {{id: string, account: string, detail: string}} Entry */

// Other scripts of this extension's world on the page use it.
class PasskeyList {
  #host = document.createElement("div");
  #field;
  #choose;
  #items = [];
  #place = () => this.#moveToField();

  /**
   * @param {HTMLElement} field
   * @param {Entry[]} entries
   * @param {string} note what went wrong before, or ""
   * @param {(id: string) => void} choose
   */
  constructor(field, entries, note, choose) {
    this.#field = field;
    this.#choose = choose;
    const list = made("div", "list");
    list.setAttribute("role", "menu");
    list.setAttribute("aria-label", "Sign in with a passkey");
    this.#items = entries.map((entry) => this.#item(entry));
    const said = made("p", "note", note);
    said.setAttribute("role", "alert");
    const footer = made("footer");
    footer.append(made("span", "", "Latchkey"), made("span", "", "\u2193 choose \u00b7 Esc close"));
    list.append(...this.#items, said, footer);
    // Screen readers say it when it appears; the focus stays in the field.
    list.setAttribute("aria-live", "polite");
    const root = this.#host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(list);
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  show() {
    for (const [name, value] of [
      ["all", "initial"], ["position", "fixed"], ["inset", "auto"], ["margin", "0"], ["border", "0"], ["padding", "0"],
      ["background", "none"], ["overflow", "visible"], ["z-index", "2147483647"],
    ]) {
      this.#host.style.setProperty(name, value, "important");
    }
    document.documentElement.append(this.#host);
    // Into the top layer, above dialogs of the page.
    this.#host.popover = "manual";
    this.#host.showPopover();
    this.#moveToField();
    addEventListener("scroll", this.#place, { capture: true, passive: true });
    addEventListener("resize", this.#place);
  }

  close() {
    removeEventListener("scroll", this.#place, { capture: true });
    removeEventListener("resize", this.#place);
    this.#host.remove();
  }

  /** @param {EventTarget | null} target */
  holds(target) {
    return target === this.#host;
  }

  focusFirst() {
    this.#items[0]?.focus();
  }

  /** Gives the focus back, if the list has it. */
  leave() {
    if (document.activeElement === this.#host) this.#field.focus();
  }

  #item({ id, account, detail }) {
    const item = made("button");
    item.type = "button";
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    const icon = document.createElementNS(SVG, "svg");
    icon.setAttribute("viewBox", "1 -2 24 24");
    icon.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", KEY);
    path.setAttribute("fill", "currentColor");
    icon.append(path);
    const words = made("span", "words");
    words.append(made("span", "account", account), made("span", "detail", detail));
    item.append(icon, words);
    // The field keeps the focus, so that the page does not think it was left.
    item.addEventListener("mousedown", (event) => event.preventDefault());
    item.addEventListener("click", (event) => event.isTrusted && this.#choose(id));
    return item;
  }

  #key(event) {
    const at = this.#items.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.#items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) this.#field.focus();
    else this.#items[Math.min(to, this.#items.length - 1)].focus();
  }

  /** Under the field, or above it where there is more room. */
  #moveToField() {
    const field = this.#field.getBoundingClientRect();
    const { style } = this.#host;
    style.setProperty("width", `${Math.max(field.width, 280)}px`, "important");
    const height = this.#host.getBoundingClientRect().height;
    const below = innerHeight - field.bottom > height + 8 || field.top < height + 8;
    style.setProperty("left", `${Math.max(4, Math.min(field.left, innerWidth - Math.max(field.width, 280) - 4))}px`, "important");
    style.setProperty("top", `${below ? field.bottom + 4 : field.top - height - 4}px`, "important");
  }
}

function made(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}
