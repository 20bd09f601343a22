// Decisions on their way to the server. Each lies in the browser's storage from the moment it is made until it is acknowledged, so a
// lost connection, a reload or a crash loses nothing; sending one twice does no harm, since the server knows its key.
// What the server refuses stays, too, until the person has seen both versions. Where it does not take a request at all, everything stands
// until the person has tried again or left that decision out, since a later one may build on it.

import { UNDOABLE } from "./sheet.js";

const PAUSES = [1, 2, 4, 8, 15]; // seconds between tries while nobody answers
const AT_ONCE = 40;
const BUSY = [408, 429, 502, 503, 504]; // answers after which the same is tried again
const PREFIX = "tripel/decision/";

export class Queue extends EventTarget {
  /** `user` and `sheet` are numbers; `send` takes proposals and resolves to the server's {answers, sheet}, or throws; `renew` is tried
   * where the session is another one by now, and resolves to `renewed` where it is to be sent again, `other` where the person has to sign
   * in, `refused` where that would not help. */
  constructor({ user, sheet, send, renew, storage = localStorage }) {
    super();
    this.mine = `${PREFIX}${user}/`;
    this.prefix = `${this.mine}${sheet}/`;
    this.send = send;
    this.renew = renew;
    this.storage = storage;
    this.entries = this.#kept();
    this.state = "saved"; // saving, offline, signed-out, stuck
    this.stuck = null; // {entry, why}: what the server will not take
    this.failures = 0;
    this.pushed = 0;
    this.working = false;
    addEventListener("online", () => this.flush());
    addEventListener("focus", () => this.pending.length && this.flush());
  }

  /** Proposals that wait, in the order they were made. */
  get pending() {
    return this.entries.filter((entry) => !entry.refused).map((entry) => entry.proposal);
  }

  /** Those that the server refused: {name, proposal, refused: why}. */
  get refused() {
    return this.entries.filter((entry) => entry.refused);
  }

  /** Paths of other documents whose decisions wait in this browser, since their page was closed before they were sent. */
  get elsewhere() {
    const others = Object.keys(this.storage).filter((name) => name.startsWith(this.mine) && !name.startsWith(this.prefix));
    const waiting = others.map((name) => JSON.parse(this.storage.getItem(name)));
    return [...new Set(waiting.filter(({ proposal }) => proposal.kind !== "time").map(({ page }) => page))];
  }

  /** Keep a proposal and send it. */
  push(proposal) {
    const name = `${Date.now().toString().padStart(15, "0")}-${String((this.pushed += 1)).padStart(6, "0")}-${proposal.key}`;
    const entry = { name, proposal, page: location.pathname + location.search };
    this.entries.push(entry);
    this.#keep(entry);
    this.#tell();
    this.flush();
  }

  /** Send what waits once more, though the server did not take it. */
  again() {
    this.stuck = null;
    this.renewed = false;
    return this.flush();
  }

  /** Set aside what the server does not take, as refused, and go on with what was decided after it. Where the person has undone it
   * since, both are forgotten: that undoing would meet another decision. */
  leaveOut() {
    const { entry, why } = this.stuck;
    const undoing = this.#undoing(entry);
    if (undoing) [entry, undoing].forEach((one) => this.#forget(one));
    else {
      entry.refused = why;
      this.#keep(entry);
    }
    this.#tell();
    return this.again();
  }

  /** Forget refused ones: the person has decided. */
  drop(entries) {
    for (const entry of entries) this.#forget(entry);
    this.#tell();
  }

  /** Resolves when nothing waits; at once where nothing does. */
  async emptied() {
    while (this.pending.length) {
      this.flush();
      await new Promise((resolve) => this.addEventListener("change", resolve, { once: true }));
    }
  }

  /** Send what waits. One at a time; what comes meanwhile is sent after it. */
  async flush() {
    if (this.working || this.stuck) return;
    if (!this.pending.length) return void this.#become("saved");
    this.working = true;
    clearTimeout(this.timer);
    let most = AT_ONCE;
    while (this.pending.length) {
      const some = this.entries.filter((entry) => !entry.refused).slice(0, most);
      this.#become("saving");
      try {
        this.#settle(some, await this.send(some.map((entry) => entry.proposal)));
      } catch (error) {
        const then = await this.#fate(error);
        if (then === "again") continue;
        if (then !== "stuck") {
          this.working = false;
          return void this.#wait(then);
        }
        if (some.length > 1) most = 1; // so that only the one at fault stands
        else if (some[0].proposal.kind === "time") this.#forget(some[0]); // no decision
        else {
          this.working = false;
          this.stuck = { entry: some[0], why: error.message };
          return void this.#become("stuck");
        }
      }
    }
    this.working = false;
    this.#become("saved");
  }

  /** What waits and undoes an entry that waits, too. */
  #undoing(entry) {
    let after = UNDOABLE.includes(entry.proposal.kind) ? 0 : -1; // decisions behind it that stand
    return after < 0 ? undefined : this.entries.slice(this.entries.indexOf(entry) + 1).find(({ proposal: { kind } }) => {
      if (kind === "undo") after -= 1;
      else if (kind === "redo" || UNDOABLE.includes(kind)) after += 1;
      return after < 0;
    });
  }

  /** What becomes of what could not be sent: `again` at once, `offline` or `signed-out` for a while, or `stuck`. */
  async #fate({ status }) {
    if (!status || BUSY.includes(status)) return "offline";
    if (status === 401) return "signed-out";
    if (status !== 403 || this.renewed) return "stuck";
    const found = await this.renew().catch(() => null);
    this.renewed = found === "renewed";
    return { renewed: "again", other: "signed-out", refused: "stuck" }[found] ?? "offline";
  }

  #settle(some, { answers, sheet }) {
    this.failures = 0;
    this.renewed = false;
    const said = new Map(answers.map((answer) => [answer.key, answer]));
    for (const entry of some) {
      const answer = said.get(entry.proposal.key);
      if (!answer) continue;
      if (answer.refused) {
        entry.refused = answer.refused;
        this.#keep(entry);
      } else {
        this.#forget(entry);
      }
    }
    this.dispatchEvent(new CustomEvent("sheet", { detail: { sheet } }));
    this.#tell();
  }

  #wait(state) {
    this.#become(state);
    const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => this.flush(), pause * 1000);
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  #kept() {
    const names = Object.keys(this.storage).filter((name) => name.startsWith(this.prefix));
    return names.sort().map((name) => JSON.parse(this.storage.getItem(name)));
  }

  #keep(entry) {
    try {
      this.storage.setItem(this.prefix + entry.name, JSON.stringify(entry));
    } catch {
      this.unkept = true; // the storage is full or closed: said, since closing the page now would lose it
    }
  }

  #forget(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.storage.removeItem(this.prefix + entry.name);
  }
}
