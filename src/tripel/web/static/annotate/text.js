// A text as the server counts it: offsets are code points, as in Python, while JavaScript and the DOM count UTF-16 units.
// It also knows the tokens that selections snap to.

const TOKEN = /[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu;

export class Text {
  constructor(string) {
    this.string = string;
    this.units = []; // where each character begins in UTF-16, and where the last one ends
    let unit = 0;
    for (const character of string) {
      this.units.push(unit);
      unit += character.length;
    }
    this.length = this.units.length;
    this.units.push(unit);
    this.tokens = [...string.matchAll(TOKEN)].map((found) => ({
      start: this.point(found.index),
      end: this.point(found.index + found[0].length),
    }));
  }

  /** The UTF-16 offset of a code point. */
  unit(point) {
    return this.units[Math.max(0, Math.min(point, this.length))];
  }

  /** The code point at a UTF-16 offset; of the second half of a pair, the pair's. */
  point(unit) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.units[middle] <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Characters [start, end). */
  slice(start, end) {
    return this.string.slice(this.unit(start), this.unit(end));
  }

  /** The span without white space at its ends; null where nothing is left. */
  trimmed({ start, end }) {
    while (start < end && /\s/u.test(this.slice(start, start + 1))) start += 1;
    while (start < end && /\s/u.test(this.slice(end - 1, end))) end -= 1;
    return start < end ? { start, end } : null;
  }

  /** The span widened to the tokens that it touches; null where it holds white space alone. */
  snapped(span) {
    const trimmed = this.trimmed(span);
    if (!trimmed) return null;
    const touched = this.tokens.filter((token) => token.start < trimmed.end && trimmed.start < token.end);
    return { start: touched[0].start, end: touched.at(-1).end };
  }

  /** The place of an edge after `steps` tokens (negative: back); `edge` is "start" or "end". */
  moved(place, edge, steps) {
    const places = this.tokens.map((token) => token[edge]);
    for (let step = 0; step < Math.abs(steps); step += 1) {
      const next = steps > 0 ? places.find((other) => other > place) : places.findLast((other) => other < place);
      if (next === undefined) break;
      place = next;
    }
    return place;
  }
}
