// While the model loads: ask every two seconds, and say when it is ready or has failed.
const line = document.getElementById("model");

async function look() {
  try {
    const { status } = await (await fetch("/readyz", { cache: "no-store" })).json();
    if (status !== line.dataset.state) {
      line.dataset.state = status;
      line.className = `model ${status}`;
      line.textContent = status === "ready" ? "The model is ready." : "The model cannot be used; load the page again to see why.";
      return;
    }
  } catch {
    line.textContent = "The server does not answer; trying again.";
  }
  setTimeout(look, 2000);
}
setTimeout(look, 2000);
