// One entity that can be chosen: of the model's candidates or of a search, drawn alike.

import { element } from "./dom.js";
import { sureness } from "./marks.js";

const SHORT = 150; // characters of a definition that are shown at once

/** A button for an entity: its name, id, how sure the model is, the name that matched, types and definition. */
export function choice(one, { number = null, chosen = false, onclick, role = null, id = null, entity = null }) {
  const sure = sureness(one);
  const types = entity?.types ?? one.types ?? [];
  const definition = entity?.definition ?? one.definition ?? "";
  const other = one.matched && one.matched.toLowerCase() !== one.name?.toLowerCase();
  return element(
    "button",
    { type: "button", class: `choice${chosen ? " chosen" : ""}`, onclick, role, id, tabindex: role ? -1 : null, "aria-pressed": role ? null : String(chosen), "data-entity": one.entity },
    element("span", { class: "number", "aria-hidden": "true" }, number === null ? "" : element("kbd", {}, String(number))),
    element(
      "span",
      { class: "what" },
      element("span", { class: "first" }, element("bdi", { class: "name" }, one.name || entity?.name || one.entity), " ", element("span", { class: "id" }, one.entity), chosen && element("span", { class: "tick" }, " ✓ chosen")),
      element("span", { class: "second" }, [
        other && element("span", {}, "by the name ", element("q", {}, ...emphasised(one))),
        types.length > 0 && element("span", {}, types.join(", ")),
        one.source && element("span", {}, one.source.replaceAll("|", ", ")),
      ].filter(Boolean).flatMap((part, i) => (i ? [" · ", part] : [part]))),
      definition && element("span", { class: "definition" }, definition.length > SHORT ? `${definition.slice(0, SHORT).trimEnd()} …` : definition),
    ),
    sure && element("span", { class: "sure" }, element("span", { class: "hidden" }, one.probability === undefined ? "score " : "probability "), sure),
  );
}

/** A name with the characters that were typed set off. */
function emphasised({ matched, ranges = [] }) {
  const letters = [...matched];
  const parts = [];
  let reached = 0;
  for (const [start, end] of ranges) {
    parts.push(letters.slice(reached, start).join(""), element("mark", {}, letters.slice(start, end).join("")));
    reached = end;
  }
  return [...parts, letters.slice(reached).join("")];
}
