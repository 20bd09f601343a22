// Decisions on their way to the server. Each lies in the browser's storage from the moment it is made until it is acknowledged, so a
// lost connection, a reload or a crash loses nothing; sending one twice does no harm, since the server knows its key.
// What the server refuses stays, too, until the person has seen both versions.

const PAUSES = [1, 2, 4, 8, 15]; // seconds between tries while nobody answers
const AT_ONCE = 40;
const PREFIX = "tripel/decision/";

export class Queue extends EventTarget {
  /** `user` and `sheet` are numbers; `send` takes proposals and resolves to the server's {answers, sheet}, or throws; `renew` is tried
   * where the session is another one by now, and resolves to whether it is to be sent again. */
  constructor({ user, sheet, send, renew, storage = localStorage }) {
    super();
    this.mine = `${PREFIX}${user}/`;
    this.prefix = `${this.mine}${sheet}/`;
    this.send = send;
    this.renew = renew;
    this.storage = storage;
    this.entries = this.#kept();
    this.state = "saved"; // saving, offline, signed-out
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
    return [...new Set(others.map((name) => JSON.parse(this.storage.getItem(name)).page))];
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
    if (this.working || !this.pending.length) return;
    this.working = true;
    clearTimeout(this.timer);
    while (this.pending.length) {
      const some = this.entries.filter((entry) => !entry.refused).slice(0, AT_ONCE);
      this.#become("saving");
      try {
        this.#settle(some, await this.send(some.map((entry) => entry.proposal)));
      } catch (error) {
        if (error.status === 403 && !this.renewed && (await this.#renewed())) continue;
        this.working = false;
        this.#wait(error);
        return;
      }
    }
    this.working = false;
    this.#become("saved");
  }

  async #renewed() {
    this.renewed = await this.renew().catch(() => false);
    return this.renewed;
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

  #wait(error) {
    this.#become(error.status === 401 || error.status === 403 ? "signed-out" : "offline");
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
