// What stands on a sheet once the decisions that the server has not acknowledged are done, too. Pure functions over plain objects;
// the server's answer replaces what they say.

export const ABOUT_MARKS = ["add", "link", "span", "accept"];
export const UNDOABLE = [...ABOUT_MARKS, "delete", "comment", "flag", "done", "reopen", "spread"];

/** The sheet of the server's JSON after proposals in their order. Undone ones play no part. */
export function folded(sheet, proposals) {
  const standing = [];
  const undone = [];
  for (const proposal of proposals) {
    if (proposal.kind === "undo") {
      const last = standing.findLastIndex((one) => UNDOABLE.includes(one.kind));
      if (last >= 0) undone.push(standing.splice(last, 1)[0]);
    } else if (proposal.kind === "redo") {
      if (undone.length) standing.push(undone.pop());
    } else {
      standing.push(proposal);
      if (UNDOABLE.includes(proposal.kind)) undone.length = 0;
    }
  }
  const last = standing.reduce(after, sheet);
  return { ...last, marks: [...last.marks].sort(inOrder) };
}

/** Marks in the order of their offsets, a longer one before those within it. */
function inOrder(a, b) {
  return a.start - b.start || b.end - a.end || (a.type < b.type ? -1 : a.type > b.type ? 1 : 0) || (a.id < b.id ? -1 : 1);
}

/** Whether a person, or the data set, has said what the mark means: nothing is left to decide. */
export function decided(mark) {
  return mark.label === "GOLD" || (mark.label === "USER" && (mark.nil || mark.entities.length > 0));
}

/** A UUID of version 4, where the browser gives none outside of TLS. */
export function key() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function after(sheet, proposal) {
  const id = proposal.after ? proposal.after.id : proposal.mark;
  if (ABOUT_MARKS.includes(proposal.kind)) {
    const others = sheet.marks.filter((mark) => mark.id !== id);
    const there = sheet.marks.find((mark) => mark.id === id) ?? {};
    return { ...sheet, marks: [...others, { ...there, ...proposal.after, label: "USER" }] };
  }
  switch (proposal.kind) {
    case "delete":
      return { ...sheet, marks: sheet.marks.filter((mark) => mark.id !== id) };
    case "comment":
      return { ...sheet, comments: [...sheet.comments, { key: proposal.key, text: proposal.text, mark: id ?? "" }] };
    case "flag": {
      const { [id ?? ""]: _, ...others } = sheet.flags;
      return { ...sheet, flags: proposal.on === false ? others : { ...others, [id ?? ""]: { text: proposal.text ?? "" } } };
    }
    case "done":
    case "reopen":
      return { ...sheet, done: proposal.kind === "done" };
    default: // time changes nothing that is seen; what spreads, the server says
      return sheet;
  }
}
