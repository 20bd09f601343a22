// What the model offers for a mark: what came with it, or else what the server is asked for its span.

import { sentence } from "./dom.js";
import { ask } from "./server.js";

const AGAIN = 4000; // ms, while the model loads

export class Offers extends EventTarget {
  constructor(path) {
    super();
    this.path = path;
    this.known = new Map();
    this.from = new Map();
  }

  /** A list of candidates, or words that say why there is none yet. */
  of(mark) {
    if (mark.candidates?.length) return mark.candidates;
    const place = placed(mark);
    if (!this.known.has(place)) this.#look(place, mark);
    return this.known.get(place);
  }

  /** The fingerprints {model, knowledge} of what offered a mark's candidates; undefined where they came with it. */
  origin(mark) {
    return mark.candidates?.length ? undefined : this.from.get(placed(mark));
  }

  /** The candidates that there are. */
  list(mark) {
    const offered = this.of(mark);
    return Array.isArray(offered) ? offered : [];
  }

  async #look(place, { start, end, type }) {
    this.known.set(place, "Asking the model …");
    try {
      const { candidates, model, knowledge } = await ask(this.path, { start, end, type });
      this.known.set(place, candidates);
      this.from.set(place, { model, knowledge });
    } catch (error) {
      this.known.set(place, error.status ? `${sentence(error.message)} Search for a name meanwhile.` : "The server does not answer.");
      if (!error.status || error.status === 503) setTimeout(() => this.#forget(place), AGAIN);
    }
    this.dispatchEvent(new Event("change"));
  }

  #forget(place) {
    this.known.delete(place);
    this.dispatchEvent(new Event("change"));
  }
}

function placed({ start, end, type }) {
  return `${start}-${end}-${type}`;
}
