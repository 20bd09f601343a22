// The text with its marks. Overlapping and nested marks have underlines of their own, one below the other; each mark begins with a
// small letter that says who made it and that can be focused. It knows nothing of candidates and of the server.

import { element } from "./dom.js";
import { lanes, segments, within } from "./lanes.js";
import { LABELS } from "./marks.js";

export class DocumentView extends EventTarget {
  /** `place` is the element that holds the text; events: `choose` {id}, `select` {start, end, exact}. */
  constructor(place, text, { titleEnd = 0 } = {}) {
    super();
    this.place = place;
    this.text = text;
    this.titleEnd = titleEnd;
    place.addEventListener("click", (event) => this.#clicked(event));
    place.addEventListener("pointerdown", () => { this.pressed = true; });
    addEventListener("pointerup", () => setTimeout(() => this.#released())); // once what was selected has been heard
    addEventListener("pointercancel", () => this.#released());
    addEventListener("mouseup", (event) => this.#selected(event)); // wherever it ends
  }

  /** Draw marks; `current` is the id of the one at work, `pending` a span that is being made. `name` says what a mark is called.
   * Nothing is drawn anew where nothing has changed, or while text is being selected: that would undo the selection. */
  draw(marks, { current = null, pending = null, name, flagged = () => false }) {
    this.later = null;
    if (this.pressed) {
      this.later = [marks, { current, pending, name, flagged }];
      return;
    }
    const seen = JSON.stringify([current, pending, marks.map((mark) => [mark.id, mark.start, mark.end, mark.parts, mark.label, mark.nil, name(mark), flagged(mark)])]);
    if (seen === this.seen) return;
    this.seen = seen;
    const focused = this.place.contains(document.activeElement);
    const shown = pending ? [...marks.filter((mark) => mark.id !== pending.id), pending] : marks;
    const lane = lanes(shown);
    this.place.style.setProperty("--lanes", Math.max(0, ...lane.values()));
    this.place.replaceChildren(
      ...segments(this.text.length, shown, [this.titleEnd], lane).flatMap((segment) => [
        ...shown.filter((mark) => mark.start === segment.start && mark !== pending).map((mark) => this.#letter(mark, { current, name, flagged })),
        this.#segment(segment, lane, current, pending),
      ]),
    );
    if (focused && !pending) this.focus(current);
  }

  /** Bring a mark into view, and the focus to it. */
  focus(id) {
    const letter = this.letter(id);
    if (!letter) return;
    letter.focus({ preventScroll: true });
    this.reveal(letter);
  }

  /** The letter of a mark. */
  letter(id) {
    return id ? this.place.querySelector(`.letter[data-mark="${CSS.escape(id)}"]`) : null;
  }

  /** Scroll just as far as needed, with some text around it. */
  reveal(letter) {
    const { top, bottom } = letter.getBoundingClientRect();
    if (top < 120 || bottom > innerHeight - 90) letter.scrollIntoView({ block: "center" });
  }

  /** The span that is selected now, in code points, of a selection that reaches beyond the text what is in it; null where nothing is. */
  selection() {
    const chosen = getSelection();
    if (!chosen.rangeCount || chosen.isCollapsed) return null;
    const range = chosen.getRangeAt(0);
    if (!range.intersectsNode(this.place)) return null;
    const within = (node) => this.place.contains(node);
    const start = within(range.startContainer) ? this.#point(range.startContainer, range.startOffset) : 0;
    const end = within(range.endContainer) ? this.#point(range.endContainer, range.endOffset) : this.text.length;
    return start < end ? { start, end } : null;
  }

  /** The code points of the lines above and below a place, at the same distance from the margin. */
  line(place, step) {
    const at = this.#box(place);
    const others = this.text.tokens.map((token) => ({ ...token, box: this.#box(token.start) }));
    const beyond = others.filter(({ box }) => (step > 0 ? box.top > at.top + 4 : box.top < at.top - 4));
    const tops = beyond.map(({ box }) => box.top);
    const top = step > 0 ? Math.min(...tops) : Math.max(...tops);
    const row = beyond.filter(({ box }) => Math.abs(box.top - top) < 4);
    return row.sort((a, b) => Math.abs(a.box.left - at.left) - Math.abs(b.box.left - at.left))[0] ?? null;
  }

  #released() {
    this.pressed = false;
    if (this.later) this.draw(...this.later);
  }

  #segment({ start, end, marks }, lane, current, pending) {
    let inner = element("span", { class: start < this.titleEnd ? "run title" : "run", "data-start": start }, this.text.slice(start, end));
    for (const mark of [...marks].reverse()) {
      const classes = ["mark", mark === pending ? "pending" : mark.label.toLowerCase()];
      if (mark.id === current && mark !== pending) classes.push("current");
      if (!within(mark, start)) classes.push("gap");
      if (mark.nil) classes.push("nil");
      inner = element("span", { class: classes.join(" "), "data-mark": mark === pending ? null : mark.id }, inner);
      inner.style.setProperty("--lane", lane.get(mark.id));
    }
    return inner;
  }

  #letter(mark, { current, name, flagged }) {
    const isCurrent = mark.id === current;
    return element("span", {
      class: `letter ${mark.label.toLowerCase()}${isCurrent ? " current" : ""}${flagged(mark) ? " flagged" : ""}`,
      role: "button",
      tabindex: isCurrent ? 0 : -1,
      "aria-label": name(mark),
      "aria-current": isCurrent ? "true" : null,
      "data-mark": mark.id,
      "data-letter": LABELS[mark.label].letter + (flagged(mark) ? "⚑" : ""),
    });
  }

  #clicked(event) {
    const mark = event.target.closest("[data-mark]");
    if (!mark || this.selection()) return;
    this.dispatchEvent(new CustomEvent("choose", { detail: { id: this.#again(event) ?? mark.dataset.mark } }));
  }

  /** Where marks lie over each other, clicking again goes to the one around. */
  #again(event) {
    const around = [];
    for (let at = event.target.closest("[data-mark]"); at; at = at.parentElement.closest("[data-mark]")) around.push(at);
    const place = around.findIndex((at) => at.classList.contains("current"));
    return place < 0 ? null : around[(place + 1) % around.length].dataset.mark;
  }

  #selected(event) {
    if (!this.pressed || event.button !== 0 || event.detail > 2) return; // three clicks select all of it, which nobody wants to mark
    const span = this.selection();
    if (!span) return;
    this.dispatchEvent(new CustomEvent("select", { detail: { ...span, exact: event.altKey } }));
  }

  #point(node, offset) {
    const before = document.createRange();
    before.setStart(this.place, 0);
    before.setEnd(node, offset);
    return this.text.point(before.toString().length);
  }

  #box(place) {
    const runs = [...this.place.querySelectorAll(".run")];
    const run = runs.findLast((one) => Number(one.dataset.start) <= place) ?? runs[0];
    const range = document.createRange();
    const unit = this.text.unit(place) - this.text.unit(Number(run.dataset.start));
    range.setStart(run.firstChild, Math.min(unit, run.firstChild.length));
    range.setEnd(run.firstChild, Math.min(unit + 1, run.firstChild.length));
    return range.getBoundingClientRect();
  }
}
