// Overlapping and nested marks side by side: each mark has a lane, a line of its own below the text, so that none hides another.

/** The lane of each mark by its id: 0 next to the text. A mark within another is closer to the text than the one around it. */
export function lanes(marks) {
  const placed = [];
  const lane = new Map();
  for (const mark of [...marks].sort((a, b) => a.end - a.start - (b.end - b.start) || a.start - b.start)) {
    const taken = placed.filter((other) => other.start < mark.end && mark.start < other.end).map((other) => lane.get(other.id));
    let free = 0;
    while (taken.includes(free)) free += 1;
    lane.set(mark.id, free);
    placed.push(mark);
  }
  return lane;
}

/** [0, length) cut wherever a mark, a piece of one or one of `cuts` begins or ends: {start, end, marks}, the outermost mark first. */
export function segments(length, marks, cuts = [], lane = lanes(marks)) {
  const edges = new Set([0, length, ...cuts]);
  for (const mark of marks) {
    for (const [start, end] of [[mark.start, mark.end], ...(mark.parts ?? [])]) edges.add(start).add(end);
  }
  const places = [...edges].filter((place) => place >= 0 && place <= length).sort((a, b) => a - b);
  const opening = [...marks].sort((a, b) => a.start - b.start);
  let open = [];
  let next = 0;
  const found = [];
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [start, end] = [places[i], places[i + 1]];
    open = open.filter((mark) => mark.end > start);
    while (next < opening.length && opening[next].start <= start) open.push(opening[next++]);
    found.push({ start, end, marks: [...open].sort((a, b) => lane.get(b.id) - lane.get(a.id)) });
  }
  return found;
}

/** Whether characters from `start` on are of one of the mark's pieces, and not between them. */
export function within(mark, start) {
  return !mark.parts?.length || mark.parts.some(([first, last]) => first <= start && start < last);
}
