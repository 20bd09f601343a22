// The page where a document is annotated: it puts the modules together, and turns keys and clicks into decisions.

import { Bar } from "./bar.js";
import { agreed, concerned } from "./bulk.js";
import { Clock } from "./clock.js";
import { Conflicts } from "./conflicts.js";
import { changed, event, joined, linked, made, moved, retyped, shown, unlinked } from "./decisions.js";
import { DocumentView } from "./document.js";
import { by, count, say } from "./dom.js";
import { Entities } from "./entities.js";
import { Keys, helpDialog } from "./keys.js";
import { drawList } from "./list.js";
import { described, meaning } from "./marks.js";
import { listen, note } from "./notes.js";
import { Offers } from "./offers.js";
import { Panel } from "./panel.js";
import { Presence } from "./presence.js";
import { Queue } from "./queue.js";
import { Search } from "./search.js";
import { ask, renew } from "./server.js";
import { decided, folded } from "./sheet.js";
import { SpanEditor } from "./span.js";
import { preview } from "./spread.js";
import { Text } from "./text.js";

const data = JSON.parse(by("data").textContent);
const { paths, user } = data;
const SETTING = `tripel/advance/${user.id}`;

const text = new Text(data.text);
const entities = new Entities(paths.entities);
const offers = new Offers(paths.candidates);
const queue = new Queue({
  user: user.id,
  sheet: data.sheet.id,
  send: (events) => ask(paths.events, { events }),
  renew: () => renew(user.id),
});
const view = new DocumentView(by("text"), text, { titleEnd: data.title_end });
const span = new SpanEditor({ text, view });
const panel = new Panel({ entities, choose: link });
const bar = new Bar(queue);
const search = new Search({ box: by("search"), list: by("found"), said: by("search-said"), path: paths.names, entities });
const keys = new Keys({ user: user.id, act, take: asked });

let acknowledged = data.sheet;
let sheet = folded(acknowledged, queue.pending);
let origin = { model: data.model, knowledge: data.knowledge }; // fingerprints of what predicts
let together = null; // what was decided at once last, and is undone at once: {keys, undone}
let current = null;
let lastType = by("types").options[0]?.value ?? "";
let also = false; // what is chosen next is meant besides, or no longer
let sureToFinish = false;
let leaving = false;

// What is seen

function draw() {
  sheet = folded(acknowledged, queue.pending);
  sheet.marks = sheet.marks.map((mark) => ({ ...mark, text: text.slice(mark.start, mark.end) }));
  const mark = now();
  entities.want(sheet.marks.flatMap((one) => one.entities));
  if (mark) entities.want(offers.list(mark).map((one) => one.entity));
  view.draw(sheet.marks, {
    current,
    pending: span.active ? { id: span.id ?? "", label: "USER", ...span.span } : null,
    name: (one) => described(one, entities, sheet),
    flagged: (one) => one.id in sheet.flags,
  });
  panel.draw(sheet, mark, mark && offers.of(mark), { editing: span.active });
  drawList(sheet, current, entities, go);
  bar.draw(sheet);
  by("also").setAttribute("aria-pressed", String(also));
}

/** Wait until all is saved; says so where that takes a while. */
async function settled() {
  if (["offline", "signed-out", "stuck"].includes(queue.state)) say("This waits until what you decided is saved.", { urgent: true });
  await queue.emptied();
}

function now() {
  return sheet.marks.find((mark) => mark.id === current) ?? null;
}

/** The first mark that is not decided, or of all. */
function first() {
  return (sheet.marks.find((mark) => !decided(mark)) ?? sheet.marks[0])?.id ?? null;
}

/** Make a mark the one at work. */
function go(id, { focus = true } = {}) {
  current = id;
  also = false;
  search.clear();
  draw();
  if (focus) view.focus(id);
}

// What is decided

function push(kind, values = {}) {
  sureToFinish = false;
  if (!["undo", "redo", "time"].includes(kind)) together = null;
  const made = event(kind, { seen: acknowledged.version, ...origin }, values);
  queue.push(made);
  return made.key;
}

/** What an event keeps of what was offered for a mark: the candidates, and what offered them. */
function offered(mark, candidates = offers.list(mark)) {
  return { shown: shown(candidates), ...offers.origin(mark) };
}

function decide(kind, after, words, { candidates, onward = true } = {}) {
  if (closed()) return;
  const mark = now();
  push(kind, { after, ...(mark && offered(mark, candidates)) });
  say(words);
  draw();
  if (onward && by("advance").checked) advance();
  else view.focus(current);
}

function advance() {
  const place = sheet.marks.findIndex((mark) => mark.id === current);
  const others = [...sheet.marks.slice(place + 1), ...sheet.marks.slice(0, place + 1)];
  const next = others.find((mark) => !decided(mark));
  if (next) go(next.id);
  else {
    view.focus(current);
    say(`Every mention is decided. ${keys.key.done} marks the document done.`);
  }
}

function link(one, candidates) {
  const mark = now();
  if (!mark) return;
  if (also) return join(mark, one, candidates);
  if (mark.label === "PRED" && mark.entities.length === 1 && mark.entities[0] === one.entity) return accept(mark, candidates);
  const name = one.name || entities.name(one.entity, mark);
  decide("link", linked(mark, one), `${mark.text}: ${name || one.entity}.`, { candidates });
}

/** One entity more, or one less; the mention stays at work, since there may be more. */
function join(mark, one, candidates) {
  const after = joined(mark, one);
  if (!after.entities.length) return say(`It is the only entity; choose another, or ${keys.key.nil} for none.`, { urgent: true });
  also = false;
  decide("link", after, `${mark.text}: ${meaning(after, entities)}.`, { candidates, onward: false });
}

function accept(mark, candidates) {
  decide("accept", changed(mark, {}), `${mark.text}: accepted as ${meaning(mark, entities)}.`, { candidates });
}

function closed() {
  if (sheet.done) say(`The document is done; ${keys.key.done} reopens it.`, { urgent: true });
  return sheet.done;
}

function add(place) {
  if (closed()) return;
  const there = sheet.marks.find((mark) => mark.start === place.start && mark.end === place.end);
  if (there) return go(there.id);
  const mark = made(place, lastType);
  push("add", { after: mark, ...offered(mark) });
  getSelection().removeAllRanges();
  go(mark.id);
  say(`New mention: ${text.slice(place.start, place.end)}.`);
}

function step(by_) {
  if (!sheet.marks.length) return say(`There are no mentions; ${keys.key.new} makes one.`);
  const place = sheet.marks.findIndex((mark) => mark.id === current);
  const next = place < 0 ? (by_ > 0 ? 0 : sheet.marks.length - 1) : place + by_;
  if (next < 0 || next >= sheet.marks.length) say(by_ > 0 ? "That was the last mention." : "That was the first mention.");
  else go(sheet.marks[next].id);
}

async function annotate(kind, mark = now()) {
  const about = mark?.id ?? "";
  if (kind === "flag" && sheet.flags[about]) {
    push("flag", { mark: about, on: false });
    say(about ? "The flag is taken away." : "The document's flag is taken away.");
    return draw();
  }
  const said = await note(kind, mark);
  if (said) {
    push(kind, said);
    say(kind === "flag" ? "Flagged." : "Comment kept.");
    draw();
  }
  view.focus(current);
}

async function spread() {
  const mark = now();
  if (!mark.nil && !mark.entities.length) return say("Link it first: what it means is what is applied.", { urgent: true });
  await settled();
  if (await preview(paths.spread, mark, meaning(mark, entities))) {
    push("spread", { mark: mark.id, ...offered(mark) });
    await queue.emptied();
    say("Applied to the equal strings.");
  }
  view.focus(current);
}

/** Accept or remove all that is predicted, an event for each mark. */
async function all(what) {
  if (closed()) return;
  if (await agreed(what, sheet, entities)) {
    const marks = concerned(what, sheet.marks);
    const keys_ = marks.map((mark) =>
      what === "accept" ? push("accept", { after: changed(mark, {}) }) : push("delete", { mark: mark.id }), // no candidates are seen of each
    );
    together = { keys: keys_, undone: false };
    draw();
    if (!now()) go(first(), { focus: false });
    say(`${what === "accept" ? "Accepted" : "Removed"}: ${count(marks.length, "mention")}. ${keys.key.undo} takes all of it back.`);
  }
  view.focus(current);
}

async function finish() {
  if (leaving) return undefined;
  if (sheet.done) {
    push("reopen");
    say("Reopened.");
    return draw();
  }
  const open = sheet.marks.filter((mark) => !decided(mark)).length;
  if (open && !sureToFinish) {
    sureToFinish = true;
    return say(`${count(open, "mention is", "mentions are")} not decided and will be learnt as no mention. Once more to mark the document done all the same.`, { urgent: true });
  }
  leaving = true; // the key pressed twice does not reopen it
  clock.flush();
  push("done");
  draw();
  await settled();
  leaving = acknowledged.done;
  if (!leaving) return undefined;
  say("Done. The next document opens.");
  location.assign(paths.onward);
}

async function leave(path) {
  if (!path) return say("There is no document in that direction.");
  clock.flush();
  await settled();
  location.assign(path);
}

function act(action, number) {
  const mark = now();
  const candidates = mark ? offers.list(mark) : [];
  const needing = ["choose", "accept", "also", "search", "nil", "delete", "edit", "type", "spread"];
  if (!mark && needing.includes(action)) return say(`Choose a mention first: ${keys.key.next} goes to the next one.`);
  switch (action) {
    case "next": return step(1);
    case "previous": return step(-1);
    case "open": return advance();
    case "choose": return candidates[number - 1] ? link(candidates[number - 1], candidates) : say(`There is no candidate ${number}.`);
    case "accept":
      if (decided(mark)) return advance();
      if (mark.entities.length || mark.nil) return accept(mark, candidates);
      return candidates[0] ? link(candidates[0], candidates) : say("There is nothing to accept; search for a name.");
    case "also":
      also = !also;
      say(also ? "What you choose next is meant besides; what is chosen already is taken away." : "What you choose next is meant alone.");
      return draw();
    case "search": return by("search").focus();
    case "nil": return decide("link", unlinked(mark), `${mark.text}: no entity.`, { candidates });
    case "delete": return remove(mark);
    case "edit": return closed() ? undefined : span.begin(mark);
    case "new": return begin();
    case "type": return by("type").select();
    case "spread": return spread();
    case "comment": return annotate("comment");
    case "flag": return annotate("flag");
    case "comment-document": return annotate("comment", null);
    case "flag-document": return annotate("flag", null);
    case "accept-all": return all("accept");
    case "remove-all": return all("remove");
    case "undo": return turn("undo");
    case "redo": return turn("redo");
    case "done": return finish();
    case "next-document": return leave(paths.behind);
    case "previous-document": return leave(paths.before);
    case "save":
      clock.flush();
      queue.flush();
      if (!sheet.done) refresh();
      return say(queue.pending.length ? "Saving." : "All saved.");
    case "help": return by("help").showModal();
    default: return undefined;
  }
}

function remove(mark) {
  if (closed()) return;
  const place = sheet.marks.indexOf(mark);
  push("delete", { mark: mark.id, ...offered(mark) });
  const rest = sheet.marks.filter((one) => one.id !== mark.id);
  go((rest[place] ?? rest[place - 1])?.id ?? null);
  say(`Deleted: ${mark.text}. ${keys.key.undo} brings it back.`);
}

function begin() {
  if (closed()) return;
  const chosen = view.selection();
  if (chosen) return add(text.snapped(chosen) ?? chosen);
  const after = now()?.end ?? 0;
  const token = text.tokens.find((one) => one.start >= after) ?? text.tokens[0];
  span.begin({ start: token.start, end: token.end });
}

async function turn(kind) {
  for (let times = await turns(kind); times > 0; times -= 1) push(kind);
  draw();
  await queue.emptied();
  if (queue.state === "saved") say(kind === "undo" ? "Undone." : "Done again.");
  view.focus(current);
}

/** How many decisions are undone or redone by one key: those that were made at once and stand. */
async function turns(kind) {
  const its = together;
  if (!its || its.undone !== (kind === "redo")) {
    if (kind === "undo") together = null; // what was before it is undone
    return 1;
  }
  its.undone = !its.undone;
  await settled(); // which of them stand, the server says
  return its.keys.filter((key) => !queue.refused.some(({ proposal }) => proposal.key === key)).length;
}

/** What has a key before any action has. */
function asked(event_, key) {
  if (span.take(event_, key)) return true;
  if (key !== "Escape") return false;
  getSelection().removeAllRanges();
  return true;
}

// What comes from elsewhere

/** Show a sheet of the server's, unless a newer one has come before it. */
function take(its) {
  if (its.version >= acknowledged.version) acknowledged = its;
  draw();
}

/** What the model says now, once it is open: it has learnt since the document was last looked at. */
async function refresh() {
  try {
    await queue.emptied();
    const { sheet: its, model, knowledge } = await ask(paths.refresh, {});
    origin = { model, knowledge };
    take(its);
    if (!now() && !span.active) go(first(), { focus: document.activeElement === document.body });
  } catch (error) {
    if (error.status === 503) setTimeout(refresh, 2000);
  }
}

queue.addEventListener("sheet", ({ detail }) => take(detail.sheet));
queue.addEventListener("change", () => bar.draw(sheet));
entities.addEventListener("change", draw);
offers.addEventListener("change", draw);
view.addEventListener("choose", ({ detail }) => !span.active && go(detail.id));
view.addEventListener("select", ({ detail }) => {
  const place = detail.exact ? text.trimmed(detail) : text.snapped(detail);
  if (place && !span.active) add(place);
});
span.addEventListener("draw", draw);
span.addEventListener("end", ({ detail }) => {
  const mark = sheet.marks.find((one) => one.id === detail.id);
  if (detail.span && mark) {
    decide("span", moved(mark, detail.span), `The mention is now: ${text.slice(detail.span.start, detail.span.end)}.`, { onward: false });
  } else if (detail.span) add(detail.span);
  else {
    draw();
    say("Left as it was.");
    view.focus(current);
  }
});
search.addEventListener("choose", ({ detail }) => link(detail, detail.shown));
search.addEventListener("leave", () => view.focus(current));
by("type").addEventListener("change", (event_) => {
  const mark = now();
  lastType = event_.target.value.trim();
  if (mark && mark.type !== lastType) decide("span", retyped(mark, lastType), `Type: ${lastType || "none"}.`, { onward: false });
});
by("type").addEventListener("keydown", ({ key }) => {
  if (key === "Escape") by("type").value = now()?.type ?? ""; // so that leaving it changes nothing
  if (["Enter", "Escape"].includes(key)) view.focus(current);
});
for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", (event_) => {
    event_.preventDefault();
    act(button.dataset.action);
  });
}
addEventListener("beforeunload", (event_) => queue.pending.some(({ kind }) => kind !== "time") && event_.preventDefault());

by("advance").checked = localStorage.getItem(SETTING) !== "no";
by("advance").addEventListener("change", (event_) => localStorage.setItem(SETTING, event_.target.checked ? "yes" : "no"));
const clock = new Clock((milliseconds) => push("time", { milliseconds }));
new Conflicts({
  queue, entities, text,
  sheet: () => acknowledged,
  again: (proposals) => proposals.forEach(({ kind, key, seen, ...values }) => push(kind, values)),
});
new Presence({
  path: paths.presence,
  version: () => acknowledged.version,
  behind: async () => {
    if (queue.pending.length) return;
    take((await ask(paths.sheet)).sheet);
  },
});

helpDialog(keys);
listen();
bar.elsewhere();
keys.label();
go(first());
queue.flush();
if (!sheet.done) refresh();
