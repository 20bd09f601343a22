// From what a person wants to the event that the server is asked to append. Pure: it knows no page and sends nothing.

import { key } from "./sheet.js";

const KEPT = ["id", "start", "end", "type", "entities", "nil", "parts", "long_form", "confidence", "score", "probability", "candidates"];
const SHOWN = ["entity", "score", "name", "matched", "source", "probability"];

/** An event with its own key. `context` has `seen`, the version of the sheet, and `model` and `knowledge`, the fingerprints of what offers
 * candidates. */
export function event(kind, context, values = {}) {
  return { key: key(), kind, ...context, ...values };
}

/** A mark as it is to be, without what the server sets. */
export function changed(mark, changes) {
  const whole = { ...mark, ...changes };
  return Object.fromEntries(KEPT.filter((name) => whole[name] !== undefined && whole[name] !== null).map((name) => [name, whole[name]]));
}

/** A mark linked to a candidate. */
export function linked(mark, { entity, score, probability }) {
  return changed(mark, { entities: [entity], nil: false, score: score ?? null, probability: probability ?? null });
}

/** A mark that means a candidate besides what it means, as composite mentions do, or no longer. */
export function joined(mark, { entity }) {
  const others = mark.entities.filter((id) => id !== entity);
  const entities = others.length < mark.entities.length ? others : [...others, entity];
  return changed(mark, { entities, nil: false, score: null, probability: null });
}

/** A mark of which a person says that no entity is meant. */
export function unlinked(mark) {
  return changed(mark, { entities: [], nil: true, score: null, probability: null });
}

/** A mark elsewhere: what a person said it means stays, what the model said of the old place does not. */
export function moved(mark, { start, end }) {
  return changed(mark, { ...unconfirmed(mark), start, end, parts: [], confidence: null, candidates: [] });
}

/** A mark of another type: what a person said it means stays, what the model said is offered again. */
export function retyped(mark, type) {
  return changed(mark, { ...unconfirmed(mark), type });
}

/** Nobody has agreed yet with what a model or a spreading says a mark means: with another span or type it is to be linked again. */
function unconfirmed({ label }) {
  return label === "PRED" || label === "SILVER" ? { entities: [], nil: false, score: null, probability: null } : {};
}

/** A new mark. */
export function made({ start, end }, type) {
  return { id: key(), start, end, type, entities: [], nil: false };
}

/** Candidates as an event keeps them: what was on the screen. */
export function shown(candidates) {
  return candidates.map((one) => Object.fromEntries(SHOWN.filter((name) => one[name] !== undefined && one[name] !== null && one[name] !== "").map((name) => [name, one[name]])));
}
