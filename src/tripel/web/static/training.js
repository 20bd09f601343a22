// A job as it goes: its state, how far it is, and the curves of what it trains. When it is over the page is loaded again.

const box = document.getElementById("job");
const EVERY = 1500; // ms
const WIDTH = 480;
const HEIGHT = 180;
const EDGE = 44;

/** An element of SVG with attributes and, where given, a text. */
function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** One curve: its values over the steps. */
function curve(title, points) {
  const steps = points.map(([step]) => step);
  const values = points.map(([, value]) => value);
  const [first, last, low, high] = [Math.min(...steps), Math.max(...steps), Math.min(...values), Math.max(...values)];
  const x = (step) => EDGE + ((step - first) / (last - first || 1)) * (WIDTH - EDGE - 12);
  const y = (value) => HEIGHT - 26 - ((value - low) / (high - low || 1)) * (HEIGHT - 44);
  const now = values.at(-1).toPrecision(3);
  const picture = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${now} at step ${last}, between ${low.toPrecision(3)} and ${high.toPrecision(3)}` });
  picture.append(
    shape("line", { class: "axis", x1: EDGE, y1: HEIGHT - 26, x2: WIDTH - 12, y2: HEIGHT - 26 }),
    shape("line", { class: "axis", x1: EDGE, y1: 18, x2: EDGE, y2: HEIGHT - 26 }),
    shape("text", { x: EDGE - 6, y: 24, "text-anchor": "end" }, high.toPrecision(3)),
    shape("text", { x: EDGE - 6, y: HEIGHT - 28, "text-anchor": "end" }, low.toPrecision(3)),
    shape("text", { x: EDGE, y: HEIGHT - 8 }, `step ${first}`),
    shape("text", { x: WIDTH - 12, y: HEIGHT - 8, "text-anchor": "end" }, `step ${last}`),
    shape("polyline", { class: "line", points: points.map(([step, value]) => `${x(step)},${y(value)}`).join(" ") }),
  );
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = `${title}: ${now}`;
  figure.append(caption, picture);
  return figure;
}

function draw(curves) {
  const figures = [];
  for (const [name, records] of Object.entries(curves)) {
    const measured = [...new Set(records.flatMap((record) => Object.keys(record)))].filter((key) => key !== "step");
    for (const key of measured) {
      const points = records.filter((record) => Number.isFinite(record[key])).map((record) => [record.step, record[key]]);
      if (points.length > 1) figures.push(curve(`${name}, ${key.replace("val_", "held out ").replaceAll("_", " ")}`, points));
    }
  }
  document.getElementById("curves").replaceChildren(...figures);
}

async function look() {
  try {
    const answer = await fetch(box.dataset.path, { headers: { accept: "application/json" } });
    const job = await answer.json();
    if (job.over) return location.reload();
    document.getElementById("job-state").textContent = job.cancelling ? "being cancelled" : job.state;
    document.getElementById("job-state").className = `state ${job.state}`;
    document.getElementById("job-phase").textContent = job.phase ? `: ${job.phase}, ${Math.round(100 * job.progress)} %` : "";
    document.getElementById("job-progress").value = job.progress;
    draw(job.curves);
  } catch {
    document.getElementById("job-phase").textContent = ": the server does not answer; trying again";
  }
  return setTimeout(look, EVERY);
}
look();
