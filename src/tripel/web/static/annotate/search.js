// Search over the knowledge base as one types: arrows go through what was found, Enter chooses, Escape leaves.

import { choice } from "./choices.js";
import { count, say, sentence } from "./dom.js";
import { ask } from "./server.js";

const PAUSE = 60; // ms after a key until the server is asked

export class Search extends EventTarget {
  /** `box` is the input, `list` where it shows what was found; event: `choose` {entity}. */
  constructor({ box, list, said, path, entities }) {
    super();
    Object.assign(this, { box, list, said, path, entities, found: [], at: -1 });
    box.addEventListener("input", () => this.#soon());
    box.addEventListener("keydown", (event) => this.#down(event));
  }

  /** Empty the box. */
  clear() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.box.value = "";
    this.#show([], "");
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#look(), PAUSE);
  }

  async #look() {
    this.asking?.abort();
    const query = this.box.value.trim();
    if (!query) return this.#show([], "");
    this.asking = new AbortController();
    const { signal } = this.asking;
    try {
      const { found } = await ask(`${this.path}?q=${encodeURIComponent(query)}&k=20`, undefined, { signal });
      if (signal.aborted) return undefined;
      this.entities.learn(found);
      return this.#show(found, found.length ? `${count(found.length, "entity", "entities")} found${found.length === 20 ? ", the best ones" : ""}` : "Nothing of that name; try fewer letters, or another word.");
    } catch (error) {
      if (signal.aborted) return undefined;
      return this.#show([], error.status ? sentence(error.message) : "The server does not answer; searching needs it.");
    }
  }

  #show(found, words) {
    this.found = found;
    this.at = found.length ? 0 : -1;
    this.list.replaceChildren(
      ...found.map((one, i) =>
        choice(one, { role: "option", id: `found-${i}`, onclick: () => this.#choose(i) }),
      ),
    );
    this.box.setAttribute("aria-expanded", String(found.length > 0));
    this.list.hidden = !found.length;
    this.said.textContent = words;
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === this.at)));
    if (this.at < 0) this.box.removeAttribute("aria-activedescendant");
    else {
      this.box.setAttribute("aria-activedescendant", `found-${this.at}`);
      this.list.children[this.at].scrollIntoView({ block: "nearest" });
    }
  }

  #down(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.found.length) {
      event.preventDefault();
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.#mark();
    } else if (event.key === "Enter" && this.at >= 0) {
      event.preventDefault();
      this.#choose(this.at);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.clear();
      say("Search left.");
      this.dispatchEvent(new Event("leave"));
    }
  }

  #choose(place) {
    const { entity, name } = this.found[place];
    const shown = this.found.map(({ entity: id, name: its, matched }) => ({ entity: id, score: 0, name: its, matched }));
    this.clear();
    this.dispatchEvent(new CustomEvent("choose", { detail: { entity, name, shown } }));
  }
}
