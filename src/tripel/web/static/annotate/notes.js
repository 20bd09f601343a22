// The dialog for a comment, or for why something is flagged.

import { answered } from "./dialogs.js";
import { by } from "./dom.js";

const WORDS = { comment: ["Comment", "Comment"], flag: ["Flag", "Why (may be left empty)"] };

/** Ask for a note, of a mark or with null of the document; resolves to {text, mark: an id or ""}, or null where it was left. */
export async function note(kind, mark) {
  const [title, label] = WORDS[kind];
  by("note-title").textContent = mark ? title : { comment: "Comment on the document", flag: "Flag the document" }[kind];
  by("note-about").hidden = !mark;
  by("note-label").textContent = label;
  by("note-text").value = "";
  by("note-text").required = kind === "comment";
  by("note-mention").disabled = !mark;
  by("note-quoted").textContent = mark?.text ?? "";
  by(mark ? "note-mention" : "note-document").checked = true;
  const answer = answered(by("note"));
  by("note-text").focus();
  if ((await answer) !== "keep") return null;
  const text = by("note-text").value.trim();
  if (!text && kind === "comment") return null;
  return { text, mark: mark && by("note-mention").checked ? mark.id : "" };
}

/** Ctrl with Enter keeps what was typed. */
export function listen() {
  by("note").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("note").querySelector("[value=keep]").click();
  });
}
