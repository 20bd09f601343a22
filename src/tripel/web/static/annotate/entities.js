// What the knowledge base has of entities, asked for once and kept while the page is open.

import { ask } from "./server.js";

const AT_ONCE = 50;

export class Entities extends EventTarget {
  constructor(path) {
    super();
    this.path = path;
    this.known = new Map();
    this.wanted = new Set();
  }

  /** What is known of an entity: {name, names, types, definition}; undefined where it has not come, null where there is none. */
  get(id) {
    return this.known.get(id);
  }

  /** The name of an entity: the knowledge base's, or the one a candidate of the mark had. */
  name(id, mark) {
    return this.known.get(id)?.name ?? mark?.candidates?.find((one) => one.entity === id)?.name ?? "";
  }

  /** Remember what a search found. */
  learn(found) {
    for (const one of found) if (!this.known.get(one.entity)) this.known.set(one.entity, { ...one, id: one.entity, names: [one.name] });
  }

  /** Ask for those that are not known yet; `change` tells when they come. */
  async want(ids) {
    const missing = [...new Set(ids)].filter((id) => !this.known.has(id) && !this.wanted.has(id));
    for (let first = 0; first < missing.length; first += AT_ONCE) {
      const some = missing.slice(first, first + AT_ONCE);
      for (const id of some) this.wanted.add(id);
      try {
        const { entities } = await ask(`${this.path}?${some.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`);
        for (const [id, entity] of Object.entries(entities)) this.known.set(id, entity);
        this.dispatchEvent(new Event("change"));
      } catch {
        setTimeout(() => this.want(some), 5000); // ids alone are shown meanwhile
      }
      for (const id of some) this.wanted.delete(id);
    }
  }
}
