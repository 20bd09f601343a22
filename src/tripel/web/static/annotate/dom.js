// Elements from plain values: text is only ever text, so nothing that a document or a name holds becomes markup.

/** An element with attributes (`on…` are listeners, false and null leave one out) and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Put children into a place. What is there stays where it would be the same, so that focus and a click under way are not lost; where
 * it is not, focus goes to the button that stands in the same place now. */
export function refill(place, ...children) {
  const made = element("div", {}, ...children);
  if (made.innerHTML === place.innerHTML) return;
  const at = [...place.querySelectorAll("button")].indexOf(document.activeElement);
  place.replaceChildren(...made.childNodes);
  if (at < 0) return;
  const buttons = place.querySelectorAll("button");
  buttons[Math.min(at, buttons.length - 1)]?.focus({ preventScroll: true });
}

/** The element with an id. */
export function by(id) {
  return document.getElementById(id);
}

/** Tell everybody what happened: in the line at the bottom, which screen readers read, too. */
export function say(words, { urgent = false } = {}) {
  const live = by(urgent ? "said-assertive" : "said-polite");
  by(urgent ? "said-polite" : "said-assertive").textContent = "";
  by("said-seen").textContent = words;
  live.textContent = live.textContent === words ? `${words} ` : words; // the same again is read again
}

/** What the server said, as a sentence. */
export function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** `1 place`, `2 places`. */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
