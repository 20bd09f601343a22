// Decisions that the server did not take, since somebody else changed the same meanwhile. Both versions are shown; the person chooses,
// and until then theirs stays in the browser.

import { by, count, element, say, sentence } from "./dom.js";
import { meaning } from "./marks.js";
import { ABOUT_MARKS } from "./sheet.js";

/** What an event does, by its kind, in words. */
export const WORDS = {
  add: "new mention", link: "link", span: "another span", accept: "accepted", delete: "deleted", comment: "comment", flag: "flag", done: "marked done",
  reopen: "reopened", spread: "applied to equal strings", undo: "undo", redo: "redo", time: "time spent",
};

const CLOSED = [...ABOUT_MARKS, "delete", "done"]; // what a document that is done does not take

export class Conflicts {
  /** `again(proposals)` sends some anew, as of now; `sheet()` is what stands on the server. */
  constructor({ queue, entities, sheet, again, text }) {
    Object.assign(this, { queue, entities, sheet, again, text });
    by("conflicts-open").addEventListener("click", () => by("conflicts").showModal());
    queue.addEventListener("change", () => this.#show());
    this.#show();
  }

  #show() {
    const refused = this.queue.refused;
    const spent = refused.filter((entry) => entry.proposal.kind === "time");
    if (spent.length) return void this.queue.drop(spent); // no decision; it comes back here without them
    const groups = grouped(refused);
    by("conflicts-bar").hidden = !groups.size;
    by("conflicts-count").textContent = `${count(groups.size, "decision")} of yours could not be saved as it is`;
    if (groups.size > (this.before ?? 0)) say(`${by("conflicts-count").textContent}: ${refused.at(-1).refused}.`, { urgent: true });
    this.before = groups.size;
    by("conflicts-list").replaceChildren(...[...groups.values()].map((entries) => this.#group(entries)));
    if (!groups.size && by("conflicts").open) by("conflicts").close();
  }

  #group(entries) {
    const { proposal, refused } = entries.at(-1);
    const mine = proposal.after;
    const theirs = this.#theirs(about(entries[0]), mine);
    const reopening = this.sheet().done && entries.some((entry) => CLOSED.includes(entry.proposal.kind));
    const by_ = theirs ? author(theirs, this.sheet().people) : "";
    return element(
      "li",
      {},
      element("p", {}, sentence(refused)),
      element(
        "dl",
        {},
        element("dt", {}, "Yours"),
        element("dd", {}, mine ? `“${this.text.slice(mine.start, mine.end)}”, ${mine.type || "no type"}: ${meaning(mine, this.entities)}` : WORDS[proposal.kind], proposal.text ? `: ${proposal.text}` : ""),
        element("dt", {}, theirs ? `Now, by ${by_}` : "Now"),
        element("dd", {}, theirs ? `“${theirs.text}”, ${theirs.type || "no type"}: ${meaning(theirs, this.entities)}` : this.sheet().done ? "the document is done" : "the mention is not there"),
      ),
      element(
        "div",
        { class: "row" },
        element("button", { type: "button", onclick: () => this.#keepMine(entries, theirs, reopening) }, reopening ? "Reopen it and keep mine" : "Keep mine"),
        element("button", { type: "button", class: "second", onclick: () => this.#keepTheirs(entries) }, "Keep what is there"),
      ),
    );
  }

  /** What stands there now: the same mark, or what another person marked in the same words. */
  #theirs(id, mine) {
    const { marks } = this.sheet();
    const same = (mark) => mine && mark.start === mine.start && mark.end === mine.end && mark.label !== "PRED";
    return marks.find((mark) => mark.id === id) ?? marks.find(same);
  }

  #keepMine(entries, theirs, reopening) {
    const before = reopening ? [{ kind: "reopen" }] : [];
    if (theirs && theirs.id !== about(entries[0])) before.push({ kind: "delete", mark: theirs.id }); // mine in its place
    this.again([...before, ...entries.map((entry) => entry.proposal)]);
    this.queue.drop(entries);
    say("Yours is sent again.");
  }

  #keepTheirs(entries) {
    this.queue.drop(entries);
    say("What is there stays.");
  }
}

/** Who last changed a mark; 0 is the server. */
function author({ by: user, label }, people) {
  if (user) return people[user] ?? "somebody";
  return label === "GOLD" ? "the data set" : "the model";
}

function about(entry) {
  return entry.proposal.after?.id ?? entry.proposal.mark ?? "";
}

function grouped(entries) {
  const groups = new Map();
  for (const entry of entries) groups.set(about(entry), [...(groups.get(about(entry)) ?? []), entry]);
  return groups;
}
