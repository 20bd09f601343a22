// The bar above the text: how far the document is, whether all is saved, and what waits elsewhere. It draws; it decides nothing.

import { by, count, element } from "./dom.js";
import { decided } from "./sheet.js";

export class Bar {
  /** `queue` has the decisions on their way to the server. */
  constructor(queue) {
    this.queue = queue;
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
    by("redo").disabled = !(sheet.may_redo || pending.some(({ kind }) => kind === "undo"));
    this.#saved(pending);
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

  #saved(pending) {
    const { state, unkept } = this.queue;
    const waiting = pending.filter(({ kind }) => kind !== "time").length;
    const words = {
      saved: "All saved",
      saving: "Saving …",
      offline: `The server does not answer; ${count(waiting, "decision")} kept in this browser`,
      "signed-out": `Sign in again in another tab; ${count(waiting, "decision")} kept in this browser`,
    }[state];
    const said = unkept ? `${words}. Leave this page open: the browser's storage is full` : words;
    if (by("saved").textContent !== said) by("saved").textContent = said;
    by("saved").dataset.state = unkept ? "offline" : state;
  }
}
