// All mentions of the document in a list below the text: what each means at a glance, and a way to each.

import { by, count, element, refill } from "./dom.js";
import { LABELS, meaning } from "./marks.js";

/** Draw the list; `go(id)` is called where one is clicked. */
export function drawList(sheet, current, entities, go) {
  by("list-count").textContent = count(sheet.marks.length, "mention");
  refill(
    by("list"),
    ...sheet.marks.map((mark) =>
      element(
        "li",
        { class: mark.id === current ? "current" : null },
        element("span", { class: `label ${mark.label.toLowerCase()}`, title: LABELS[mark.label].words }, LABELS[mark.label].letter),
        element("button", { type: "button", class: "plain", "data-mark": mark.id, "aria-current": mark.id === current ? "true" : null, onclick: () => go(mark.id) }, element("bdi", {}, mark.text)),
        element("span", { class: mark.nil || mark.entities.length ? "" : "open" }, meaning(mark, entities)),
        element("span", { class: "quiet" }, mark.type),
        sheet.flags[mark.id] && element("span", { class: "flag" }, "⚑ flagged"),
      ),
    ),
  );
}
