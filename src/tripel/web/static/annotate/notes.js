// The dialog for a comment, or for why something is flagged.

import { by } from "./dom.js";

const WORDS = { comment: ["Comment", "Comment"], flag: ["Flag", "Why (may be left empty)"] };

/** Ask for a note; resolves to {text, mark: an id or ""}, or null where it was left. */
export function note(kind, mark) {
  const dialog = by("note");
  const [title, label] = WORDS[kind];
  by("note-title").textContent = title;
  by("note-label").textContent = label;
  by("note-text").value = "";
  by("note-text").required = kind === "comment";
  by("note-mention").disabled = !mark;
  by("note-quoted").textContent = mark?.text ?? "";
  by(mark ? "note-mention" : "note-document").checked = true;
  dialog.returnValue = "";
  const enter = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.querySelector("[value=keep]").click();
  };
  dialog.addEventListener("keydown", enter);
  dialog.showModal();
  by("note-text").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.removeEventListener("keydown", enter);
      const text = by("note-text").value.trim();
      const meant = dialog.returnValue === "keep" && (text || kind === "flag");
      resolve(meant ? { text, mark: by("note-mention").checked && mark ? mark.id : "" } : null);
    }, { once: true });
  });
}
