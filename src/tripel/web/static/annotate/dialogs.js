// A dialog that is asked something: opened, and the value of the button that closed it.

/** Open a dialog; resolves to the value of its button, or "" where it was left by Escape. */
export function answered(dialog) {
  dialog.showModal();
  const form = dialog.querySelector("form");
  const heard = new AbortController();
  return new Promise((resolve) => {
    const end = (value) => {
      heard.abort();
      resolve(value);
    };
    form.addEventListener("submit", (event) => end(event.submitter?.value ?? ""), { signal: heard.signal });
    dialog.addEventListener("close", () => dialog.open || end(""), { signal: heard.signal }); // of this time, not of the one before
  });
}
