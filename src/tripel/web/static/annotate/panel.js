// The right side: the mention at work, what it means, and what it could mean. It draws; it decides nothing.

import { choice } from "./choices.js";
import { by, element, refill } from "./dom.js";
import { LABELS, meaning, sureness } from "./marks.js";

export class Panel {
  /** `choose(candidate, all)` is called where one is clicked. */
  constructor({ entities, choose }) {
    Object.assign(this, { entities, choose });
  }

  /** Show a mark with its candidates: a list, or words where there are none. */
  draw(sheet, mark, candidates, { editing = false } = {}) {
    this.#notes(by("document-notes"), sheet, "");
    by("span-editor").hidden = !editing;
    by("nothing").hidden = editing || mark !== null;
    by("mention").hidden = editing || mark === null;
    if (!mark || editing) return;
    const place = sheet.marks.findIndex((one) => one.id === mark.id);
    const { letter, words } = LABELS[mark.label];
    by("mention-text").textContent = mark.text;
    by("mention-place").textContent = `${place + 1} of ${sheet.marks.length}`;
    by("mention-label").textContent = `${letter} · ${words}`;
    by("mention-label").className = `label ${mark.label.toLowerCase()}`;
    by("mention-sure").textContent = mark.label === "PRED" && sureness(mark) ? `sure of it: ${sureness(mark)}` : "";
    by("mention-means").textContent = meaning(mark, this.entities);
    by("mention-means").className = `means${mark.nil || mark.entities.length ? "" : " open"}`;
    by("accept").disabled = mark.label !== "PRED" && mark.label !== "SILVER" && !(Array.isArray(candidates) && candidates.length && !mark.entities.length);
    by("flag-word").textContent = sheet.flags[mark.id] ? "Take flag away" : "Flag";
    if (document.activeElement !== by("type")) by("type").value = mark.type;
    this.#candidates(mark, candidates);
    this.#notes(by("notes"), sheet, mark.id);
  }

  #candidates(mark, candidates) {
    const many = Array.isArray(candidates) ? candidates : [];
    by("candidates-said").textContent = Array.isArray(candidates) ? (many.length ? "" : "The model offers nothing here; search for a name.") : candidates;
    const others = mark.entities.filter((id) => !many.some((one) => one.entity === id));
    refill(
      by("candidates"),
      ...others.map((id) => element("li", {}, choice({ entity: id, name: this.entities.name(id, mark) }, { chosen: true, entity: this.entities.get(id), onclick: () => this.choose({ entity: id }, many) }))),
      ...many.map((one, i) =>
        element("li", {}, choice(one, { number: i < 9 ? i + 1 : null, chosen: mark.entities.includes(one.entity), entity: this.entities.get(one.entity), onclick: () => this.choose(one, many) })),
      ),
    );
  }

  /** What was said of a mark, or with "" of the document. */
  #notes(place, sheet, about) {
    const flag = sheet.flags[about];
    const what = about ? "This mention" : "The document";
    place.replaceChildren(
      ...(flag ? [element("p", { class: "flagged" }, `⚑ ${what} is flagged`, flag.text ? `: ${flag.text}` : "")] : []),
      ...sheet.comments.filter((one) => one.mark === about).map((one) =>
        element("p", { class: "comment" }, element("b", {}, one.by === undefined ? "You" : (sheet.people[one.by] ?? "somebody")), about ? ": " : ", of the document: ", one.text),
      ),
    );
  }
}
