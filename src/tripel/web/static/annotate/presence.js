// Who else is on this document: asked every ten seconds, together with the version of the sheet, so that one sees what they do.

import { by, say } from "./dom.js";
import { ask } from "./server.js";

const EVERY = 10_000; // ms

export class Presence {
  /** `behind()` is called where the server has a newer sheet than `version()`. */
  constructor({ path, version, behind }) {
    Object.assign(this, { path, version, behind, names: "" });
    addEventListener("pagehide", () => {
      ask(`${path}&leaving=true`, {}, { keepalive: true }).catch(() => {}); // who does not hear it forgets in half a minute
    });
    addEventListener("focus", () => this.look());
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    try {
      const { others, version } = await ask(this.path, {});
      this.#show(others.map((one) => one.name).join(", "));
      if (version > this.version()) this.behind();
    } catch {
      // the queue says that nobody answers
    }
    this.timer = setTimeout(() => this.look(), EVERY);
  }

  #show(names) {
    if (names === this.names) return;
    this.names = names;
    by("others").hidden = !names;
    by("others-names").textContent = names;
    say(names ? `Also here: ${names}.` : "Nobody else is here any more.");
  }
}
