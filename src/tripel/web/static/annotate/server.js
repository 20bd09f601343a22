// What the page asks of the server. Every answer is JSON; a refusal is thrown with its status and what the server said.

let token = csrf(document);

class Refusal extends Error {
  constructor(status, said) {
    super(said);
    this.status = status;
  }
}

function csrf(page) {
  return page.querySelector('meta[name="csrf"]').content;
}

/** Take up the session of somebody who has signed in again in another tab. Resolves to `renewed`, or to `other` where it is nobody's or
 * another person's; to `refused` where whoever is signed in may not open the page any more. */
export async function renew(user) {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (answer.status === 403 || answer.status === 404) return "refused";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const data = page.getElementById("data");
  if (!answer.ok || !data || JSON.parse(data.textContent).user.id !== user) return "other";
  token = csrf(page);
  return "renewed";
}

/** GET, or POST where a body is given. `fetch` itself throws where nobody answers. */
export async function ask(path, body, { signal, keepalive = false } = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) Object.assign(headers, { "content-type": "application/json", "x-csrf-token": token });
  const method = body === undefined ? "GET" : "POST";
  const answer = await fetch(path, {
    method, headers, signal, keepalive, body: body === undefined ? undefined : JSON.stringify(body), redirect: "error",
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, said.detail ?? `the server answered ${answer.status}`);
  return said;
}
