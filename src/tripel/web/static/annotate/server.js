// What the page asks of the server. Every answer is JSON; a refusal is thrown with its status and what the server said.

const token = document.querySelector('meta[name="csrf"]').content;

export class Refusal extends Error {
  constructor(status, said) {
    super(said);
    this.status = status;
  }
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
