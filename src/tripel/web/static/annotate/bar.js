// The bar above the text: how far the document is, whether all is saved, and what waits elsewhere. It draws; it decides nothing.

import { concerned } from "./bulk.js";
import { WORDS } from "./conflicts.js";
import { by, count, element, say, sentence } from "./dom.js";
import { decided } from "./sheet.js";

export class Bar {
  /** `queue` has the decisions on their way to the server. */
  constructor(queue) {
    this.queue = queue;
    const bar = document.querySelector(".bar");
    new ResizeObserver(() => document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`)).observe(bar);
    by("stuck-again").addEventListener("click", () => queue.again());
    by("stuck-leave").addEventListener("click", () => {
      queue.leaveOut();
      say("Left out; it stays in this browser.");
    });
  }

  /** Show how far a sheet is, and what is not saved yet. */
  draw(sheet) {
    const { pending } = this.queue;
    const done = sheet.marks.filter(decided).length;
    by("decided").textContent = sheet.marks.length ? `${done} of ${sheet.marks.length} decided` : "no mentions yet";
    by("decided-bar").max = Math.max(1, sheet.marks.length);
    by("decided-bar").value = done;
    by("done-word").textContent = sheet.done ? "Reopen" : "Mark done";
    by("done-bar").hidden = !sheet.done;
    by("undo").disabled = !(sheet.may_undo || pending.length);
    by("document-flag-word").textContent = sheet.flags[""] ? "Take the document's flag away" : "Flag the document";
    for (const what of ["accept", "remove"]) by(`${what}-all`).disabled = sheet.done || !concerned(what, sheet.marks).length;
    by("redo").disabled = !(sheet.may_redo || pending.some(({ kind }) => kind === "undo"));
    this.#saved(pending);
    this.#stuck(pending);
  }

  /** Documents whose decisions were never sent: said once, with the way there. */
  elsewhere() {
    const others = this.queue.elsewhere;
    by("elsewhere").hidden = !others.length;
    by("elsewhere").replaceChildren(
      "Decisions that the server has not got wait in this browser. They are sent when their document is opened: ",
      ...others.flatMap((path, i) => [i ? ", " : "", element("a", { href: path }, path)]),
    );
  }

  /** What the server will not take, with why, and the two ways on. */
  #stuck(pending) {
    const { stuck } = this.queue;
    if (by("stuck").hidden === !stuck) return;
    by("stuck").hidden = !stuck;
    if (!stuck) return;
    const later = pending.filter(({ kind }) => kind !== "time").length - 1;
    const waits = later ? ` It stays in this browser, and ${count(later, "later one waits", "later ones wait")} behind it.` : " It stays in this browser.";
    by("stuck-said").textContent = `The server does not take a decision of yours (${WORDS[stuck.entry.proposal.kind]}): ${sentence(stuck.why)}${waits}`;
    say(by("stuck-said").textContent, { urgent: true });
  }

  #saved(pending) {
    const { state, unkept } = this.queue;
    const waiting = pending.filter(({ kind }) => kind !== "time").length;
    const words = {
      saved: "All saved",
      saving: "Saving …",
      offline: `The server does not answer; ${count(waiting, "decision")} kept in this browser`,
      stuck: `Not saved; ${count(waiting, "decision")} kept in this browser`,
      "signed-out": `Sign in again in another tab; ${count(waiting, "decision")} kept in this browser`,
    }[state];
    const said = unkept ? `${words}. Leave this page open: the browser's storage is full` : words;
    if (by("saved").textContent !== said) by("saved").textContent = said;
    by("saved").dataset.state = unkept ? "offline" : state;
  }
}
