// Applying a mark to all equal strings: how many places there are, the first of them, and only then doing it.

import { answered } from "./dialogs.js";
import { by, count, element, sentence } from "./dom.js";
import { ask } from "./server.js";

/** Show what it would do; resolves to whether the person wants it. `means` says what the places would be linked to. */
export async function preview(path, mark, means) {
  by("spread-said").textContent = "Counting …";
  by("spread-places").replaceChildren();
  by("spread-keep").disabled = true;
  const answer = answered(by("spread"));
  try {
    const { marks, documents, kept, examples } = await ask(`${path}&mark=${encodeURIComponent(mark.id)}`);
    const stays = kept > 0 ? ` ${count(kept, "equal string is", "equal strings are")} decided already and ${kept === 1 ? "stays" : "stay"} as ${kept === 1 ? "it is" : "they are"}.` : "";
    by("spread-said").textContent = marks
      ? `${count(marks, "place")} in ${count(documents, "document")} would be linked as “${mark.text}” here: ${means}.${stays}`
      : `There is no other place to apply “${mark.text}” to.${stays}`;
    by("spread-places").replaceChildren(
      ...examples.map((one) => element("li", {}, element("span", { class: "quiet" }, `${one.name}: `), `… ${one.before}`, element("mark", {}, one.text), `${one.after} …`)),
      ...(marks > examples.length ? [element("li", { class: "quiet" }, `and ${count(marks - examples.length, "more", "more")}`)] : []),
    );
    by("spread-keep").disabled = !marks;
    by("spread-keep").textContent = marks ? `Apply to ${count(marks, "place")}` : "Apply";
    if (marks) by("spread-keep").focus();
  } catch (error) {
    by("spread-said").textContent = error.status ? sentence(error.message) : "The server does not answer; try again when it does.";
  }
  return (await answer) === "keep";
}
