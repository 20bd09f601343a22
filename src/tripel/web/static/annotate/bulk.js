// Everything that is predicted in a document at once: how many marks it is about, the first of them, and only then doing it.

import { answered } from "./dialogs.js";
import { by, count, element } from "./dom.js";
import { meaning } from "./marks.js";

const EXAMPLES = 20; // marks shown before a person agrees
const WORDS = {
  accept: { title: "Accept all predictions", keep: "Accept", would: "would be accepted as predicted", none: "There is no prediction to accept" },
  remove: { title: "Remove all predictions", keep: "Remove", would: "would be removed, and no model sets one there again", none: "There is no prediction to remove" },
};

/** The marks that it is about: predictions, and to accept them only those that say what they mean. */
export function concerned(what, marks) {
  return marks.filter((mark) => mark.label === "PRED" && (what === "remove" || mark.nil || mark.entities.length));
}

/** Show what it would do; resolves to whether the person wants it. `what` is accept or remove. */
export async function agreed(what, sheet, entities) {
  const words = WORDS[what];
  const marks = concerned(what, sheet.marks);
  const unlinked = what === "accept" ? sheet.marks.filter((mark) => mark.label === "PRED").length - marks.length : 0;
  const stays = unlinked ? ` ${count(unlinked, "prediction says", "predictions say")} nothing of what is meant and ${unlinked === 1 ? "stays" : "stay"}.` : "";
  by("bulk-title").textContent = words.title;
  by("bulk-said").textContent = marks.length ? `${count(marks.length, "mention")} of this document ${words.would}.${stays}` : `${words.none}.${stays}`;
  by("bulk-marks").replaceChildren(
    ...marks.slice(0, EXAMPLES).map((mark) => element("li", {}, element("mark", {}, mark.text), `: ${meaning(mark, entities)}`)),
    ...(marks.length > EXAMPLES ? [element("li", { class: "quiet" }, `and ${count(marks.length - EXAMPLES, "more", "more")}`)] : []),
  );
  by("bulk-keep").textContent = marks.length ? `${words.keep} ${count(marks.length, "mention")}` : words.keep;
  by("bulk-keep").disabled = !marks.length;
  const answer = answered(by("bulk"));
  if (marks.length) by("bulk-keep").focus();
  return (await answer) === "keep";
}
