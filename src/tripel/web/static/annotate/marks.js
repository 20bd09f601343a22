// How marks are called, on the page and by screen readers.

import { count } from "./dom.js";

export const LABELS = {
  GOLD: { letter: "G", words: "from the data set" },
  USER: { letter: "U", words: "decided by a person" },
  PRED: { letter: "P", words: "predicted" },
  SILVER: { letter: "S", words: "applied from an equal string" },
};

/** What a mark means, in words: the entity's name and id, or that it is none. */
export function meaning(mark, entities) {
  if (mark.nil) return "NIL, no entity";
  if (!mark.entities.length) return "not linked yet";
  return mark.entities.map((id) => (entities.name(id, mark) ? `${entities.name(id, mark)} (${id})` : id)).join(" and ");
}

/** Everything about a mark of a sheet in one sentence. */
export function described(mark, entities, sheet) {
  const comments = sheet.comments.filter((one) => one.mark === mark.id).length;
  const parts = [mark.text, mark.type, meaning(mark, entities), LABELS[mark.label].words];
  if (mark.parts?.length) parts.push(`in ${mark.parts.length} pieces`);
  if (sheet.flags[mark.id]) parts.push("flagged");
  if (comments) parts.push(count(comments, "comment"));
  return parts.filter(Boolean).join(", ");
}

/** How sure the model is, as it is shown: a probability in per cent, or a score. */
export function sureness({ probability, score }) {
  if (probability !== undefined && probability !== null) {
    if (probability < 0.005) return "<1 %";
    return probability > 0.995 ? ">99 %" : `${Math.round(probability * 100)} %`;
  }
  return score === undefined || score === null ? "" : score.toFixed(2);
}
