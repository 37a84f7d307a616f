// The page of a run that is not over: asks how far it is, moves the bar, and fetches the page anew when more changed.
const box = document.querySelector("[data-progress]");
const bar = box.querySelector("progress");
const words = box.querySelector("[data-words]");
const said = box.querySelector("[data-said]");
const BETWEEN = 2000;
const LONGEST = 30000;
let wait = BETWEEN;
let tenth = 0;

function show(status) {
  if (status.most) {
    bar.max = status.most;
    bar.value = status.value;
  } else {
    bar.removeAttribute("value");
  }
  words.textContent = status.words;
  // a screen reader is told each tenth, not each second
  const now = status.most ? Math.floor((10 * status.value) / status.most) : 0;
  if (now !== tenth) {
    tenth = now;
    said.textContent = status.words;
  }
}

async function ask() {
  try {
    const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    const status = await answer.json();
    // an open question is not to be lost to a reload
    const busy = document.querySelector("dialog[open]") !== null;
    if (status.changed !== box.dataset.changed && !busy) return location.reload();
    show(status);
    wait = BETWEEN;
  } catch {
    wait = Math.min(2 * wait, LONGEST);
  }
  setTimeout(ask, wait);
}

setTimeout(ask, wait);
