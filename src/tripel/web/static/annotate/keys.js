// Keys and what they do. They are kept for each user in the browser; `?` shows and changes them. They do nothing in text fields.

import { by, element, say } from "./dom.js";

/** What can be done, in the order it is shown: [action, key, words]. */
const ACTIONS = [
  ["next", "j", "Next mention"],
  ["previous", "k", "Previous mention"],
  ["open", "o", "Next mention that nobody has decided"],
  ["accept", "Enter", "Accept what is predicted, or the first candidate"],
  ["also", "+", "The next choice is one entity more, or one less, for mentions of several"],
  ["search", "/", "Search the knowledge base"],
  ["nil", "n", "No entity (NIL)"],
  ["delete", "d", "Delete the mention"],
  ["edit", "e", "Edit where it begins and ends"],
  ["new", "m", "New mention"],
  ["type", "t", "Change the type"],
  ["spread", "a", "Apply to all equal strings"],
  ["comment", "c", "Comment on the mention"],
  ["flag", "g", "Flag the mention, or take the flag away"],
  ["comment-document", "C", "Comment on the document"],
  ["flag-document", "G", "Flag the document, or take the flag away"],
  ["accept-all", "A", "Accept all predictions of the document"],
  ["remove-all", "D", "Remove all predictions of the document"],
  ["undo", "u", "Undo"],
  ["redo", "U", "Redo"],
  ["done", "f", "Finish: mark the document done, or reopen it"],
  ["next-document", "J", "Next document"],
  ["previous-document", "K", "Previous document"],
  ["save", "Ctrl+s", "Save now (it is saved as you go)"],
  ["help", "?", "Show and change the keys"],
];
const FIXED = ["Escape", "Tab", "Shift+Tab", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const MODIFIERS = ["Shift", "Control", "Alt", "Meta"];

/** What was pressed, as it is written: `j`, `J`, `Ctrl+s`, `Alt+ArrowLeft`. */
export function pressed(event) {
  const named = event.key.length > 1 && event.shiftKey;
  const key = event.key === " " ? "Space" : event.key;
  return [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", named && "Shift", key].filter(Boolean).join("+");
}

/** Whether keys are for what has the focus, and not for the page. */
function typing(target) {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

export class Keys {
  /** `act(action, number)` does something; `take(event, pressed)` is asked first, and says whether it was for it. */
  constructor({ user, act, take, storage = localStorage }) {
    this.name = `tripel/keys/${user}`;
    this.storage = storage;
    this.act = act;
    this.take = take;
    const kept = JSON.parse(storage.getItem(this.name) ?? "{}");
    this.on = kept.on ?? true;
    const taken = Object.values(kept.key ?? {}); // an action that is new since has no key where its own is in use
    this.key = Object.fromEntries(ACTIONS.map(([action, usual]) => [action, kept.key?.[action] ?? (taken.includes(usual) ? "" : usual)]));
    document.addEventListener("keydown", (event) => this.#down(event));
  }

  /** Change the key of an action; says what is wrong, or nothing. */
  set(action, key) {
    if (FIXED.includes(key)) return `${key} has a fixed meaning`;
    const other = ACTIONS.find(([name]) => name !== action && this.key[name] === key);
    if (other) return `${key} is already for: ${other[2]}`;
    this.key[action] = key;
    this.#keep();
    return "";
  }

  /** The keys as they were at first. */
  reset() {
    for (const [action, usual] of ACTIONS) this.key[action] = usual;
    this.#keep();
  }

  /** Whether single keys do anything. */
  turn(on) {
    this.on = on;
    this.#keep();
  }

  /** Show the key of each action next to its button: in <kbd data-key="action">. */
  label() {
    for (const place of document.querySelectorAll("kbd[data-key]")) place.textContent = shown(this.key[place.dataset.key]);
    for (const place of document.querySelectorAll("[data-action]")) {
      place.setAttribute("aria-keyshortcuts", this.key[place.dataset.action].replace("Ctrl", "Control"));
    }
  }

  #keep() {
    this.storage.setItem(this.name, JSON.stringify({ on: this.on, key: this.key }));
    this.label();
  }

  #down(event) {
    const key = pressed(event);
    if (event.defaultPrevented || MODIFIERS.includes(event.key) || document.querySelector("dialog[open]")) return;
    const saving = key === this.key.save;
    if (!saving && (typing(event.target) || this.take(event, key))) return;
    if (!this.on && !saving && key !== this.key.help) return;
    const pressing = event.target.closest?.("button, a, summary") && (key === "Enter" || key === "Space");
    const number = /^[1-9]$/.test(key) ? Number(key) : 0;
    const action = number ? "choose" : Object.keys(this.key).find((name) => this.key[name] === key);
    if (!action || pressing) return;
    event.preventDefault();
    this.act(action, number);
  }
}

/** A key as people read it. */
export function shown(key) {
  return key.replace("ArrowLeft", "←").replace("ArrowRight", "→").replace(/^Enter$/, "↵");
}

/** Fill the dialog that shows and changes the keys. */
export function helpDialog(keys) {
  const draw = () => {
    by("help-keys").replaceChildren(
      ...ACTIONS.map(([action, , words]) =>
        element("tr", {}, element("td", {}, words), element("td", {}, changing(keys, action, words, draw))),
      ),
    );
  };
  draw();
  by("keys-on").checked = keys.on;
  by("keys-on").addEventListener("change", (event) => keys.turn(event.target.checked));
  by("keys-reset").addEventListener("click", () => {
    keys.reset();
    draw();
    say("The keys are as they were at first.");
  });
}

function changing(keys, action, words, draw) {
  const button = element("button", { type: "button", class: "second key", "aria-label": `${words}: ${keys.key[action] ? `key ${keys.key[action]}` : "no key"}; change it` }, element("kbd", {}, shown(keys.key[action])));
  button.addEventListener("click", () => {
    button.textContent = "press a key";
    by("help-said").textContent = `Press the new key for: ${words}. Escape leaves it as it is.`;
    const listen = (event) => {
      if (MODIFIERS.includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      button.removeEventListener("keydown", listen);
      const key = pressed(event);
      by("help-said").textContent = key === "Escape" ? "" : keys.set(action, key) || `${words}: ${key}`;
      draw();
      by("help-keys").querySelectorAll("button")[ACTIONS.findIndex(([name]) => name === action)].focus();
    };
    button.addEventListener("keydown", listen);
  });
  return button;
}
