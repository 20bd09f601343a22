// Where a mention begins and ends, set by keys or by buttons: of a new mention, or of one that is there.
// Arrows move the whole; with Shift one edge, by tokens; with Alt by characters.

import { by, say } from "./dom.js";

export class SpanEditor extends EventTarget {
  /** Events: `draw` while it changes, `end` {span or null}. */
  constructor({ text, view }) {
    super();
    Object.assign(this, { text, view, span: null, edge: "end", exact: false });
    for (const [id, action] of Object.entries({
      "span-start-back": () => this.#edge("start", -1), "span-start-on": () => this.#edge("start", 1),
      "span-end-back": () => this.#edge("end", -1), "span-end-on": () => this.#edge("end", 1),
      "span-back": () => this.#whole(-1), "span-on": () => this.#whole(1),
      "span-keep": () => this.end(true), "span-leave": () => this.end(false),
    })) by(id).addEventListener("click", action);
    by("span-exact").addEventListener("change", (event) => { this.exact = event.target.checked; });
  }

  get active() {
    return this.span !== null;
  }

  /** Begin with a span; `id` is of the mention it is of, or nothing. */
  begin({ start, end, id = null }) {
    this.span = { start, end };
    this.id = id;
    this.edge = "end";
    by("span-said").textContent = id ? "Edit where the mention begins and ends" : "A new mention";
    this.#changed(`${by("span-said").textContent}. Arrows move it; with Shift its end, x for its beginning; with Alt by characters. Enter keeps it, Escape leaves. `);
  }

  /** Be done; `keep` is whether what was set is meant. */
  end(keep) {
    const span = keep ? this.text.trimmed(this.span) : null;
    const { id } = this;
    this.span = null;
    this.dispatchEvent(new CustomEvent("end", { detail: { span, id } }));
  }

  /** What a key does while a span is edited; whether it was for this. */
  take(event, key) {
    if (!this.active) return false;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const line = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const onButton = event.target.closest?.("button");
    if (step && event.shiftKey) this.#edge(this.edge, step, event.altKey);
    else if (step && event.altKey) this.#edge(this.edge, step, true);
    else if (step) this.#whole(step);
    else if (line && !this.id) this.#line(line);
    else if (key === "x") this.#swap();
    else if (key === "Enter" && !onButton) this.end(true);
    else if (key === "Escape") this.end(false);
    else return !(onButton || ["Tab", "Shift+Tab"].includes(key)) && key.length === 1;
    event.preventDefault();
    return true;
  }

  #edge(edge, step, exact = this.exact) {
    const place = this.span[edge];
    const next = exact ? place + step : this.text.moved(place, edge, step);
    const span = { ...this.span, [edge]: Math.max(0, Math.min(next, this.text.length)) };
    if (span.start < span.end) this.span = span;
    this.#changed();
  }

  #whole(step) {
    const { start, end } = this.span;
    const tokens = this.text.tokens.filter((token) => token.start >= start && token.end <= end).length;
    const first = this.text.moved(start, "start", step);
    const among = this.text.tokens.findIndex((token) => token.start === first);
    if (among < 0) return;
    const last = this.text.tokens[Math.min(among + Math.max(1, tokens) - 1, this.text.tokens.length - 1)];
    this.span = { start: first, end: last.end };
    this.#changed();
  }

  #line(step) {
    const token = this.view.line(this.span.start, step);
    if (token) this.span = { start: token.start, end: token.end };
    this.#changed();
  }

  #swap() {
    this.edge = this.edge === "end" ? "start" : "end";
    this.#changed(`Shift now moves the ${this.edge === "end" ? "end" : "beginning"}. `);
  }

  #changed(before = "") {
    const words = this.text.slice(this.span.start, this.span.end);
    by("span-text").textContent = words;
    by("span-edge").textContent = this.edge === "end" ? "the end" : "the beginning";
    say(`${before}${words}`);
    this.dispatchEvent(new Event("draw"));
  }
}
