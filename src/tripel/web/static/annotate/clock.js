// Time spent on a document. Only time in which something is done counts: after half a minute without a key or a move it stands.

const IDLE = 30_000; // ms
const TELL_EVERY = 60_000; // ms of work

export class Clock {
  /** `tell(milliseconds)` is called now and then with what has passed since the last time. */
  constructor(tell) {
    this.tell = tell;
    this.spent = 0;
    this.last = null;
    for (const name of ["keydown", "pointerdown", "pointermove", "scroll", "focus"]) {
      addEventListener(name, () => this.#tick(), { capture: true, passive: true });
    }
    document.addEventListener("visibilitychange", () => document.hidden && this.flush());
  }

  /** Tell what has passed. */
  flush() {
    if (this.spent < 1000) return;
    this.tell(Math.round(this.spent));
    this.spent = 0;
  }

  #tick() {
    const now = performance.now();
    if (this.last !== null && now - this.last < IDLE) this.spent += now - this.last;
    this.last = now;
    if (this.spent >= TELL_EVERY) this.flush();
  }
}
