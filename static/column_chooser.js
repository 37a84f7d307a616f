// The columns of the file, in place: ticks, the arrow buttons, dragging. Without this script the buttons send the form.
const SEARCH = "Find a column";
const EDGE = 28;

const form = document.querySelector("#builder");
const model = document.querySelector("template[data-placed-row]").content.firstElementChild;
form.classList.add("live");
begin(form.querySelector("[data-part='chooser']"));
form.addEventListener("replaced", (event) => {
  if (event.detail.dataset.part === "chooser") begin(event.detail);
});

/** Make a chooser live: the one of the page, and each that takes its place. */
function begin(chooser) {
  const list = chooser.querySelector("[data-placed]");
  const groups = chooser.querySelector("[data-column-groups]");
  groups.before(searchFor(groups));
  chooser.addEventListener("change", (event) => {
    if (event.target.name === "columns") tick(chooser, event.target);
  });
  chooser.addEventListener("click", (event) => press(chooser, event));
  list.addEventListener("keydown", (event) => {
    const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!way || !event.target.matches("[data-grip]")) return;
    event.preventDefault();
    move(event.target.closest("li"), way, event.target);
  });
  list.addEventListener("pointerdown", (event) => {
    if (event.target.matches("[data-grip]") && event.button === 0) drag(list, event);
  });
}

function press(chooser, event) {
  const button = event.target.closest("button[name=step]");
  if (!button) return;
  const [step] = button.value.split(":");
  const row = button.closest("li");
  if (step === "column-up" || step === "column-down") move(row, step === "column-up" ? -1 : 1, button);
  else if (step === "column-remove") remove(chooser, row);
  else if (step === "columns-all" || step === "columns-none") tickAll(chooser, step === "columns-all");
  else return;
  event.preventDefault();
}

function tick(chooser, box) {
  const list = chooser.querySelector("[data-placed]");
  const row = list.querySelector(`[data-key="${CSS.escape(box.value)}"]`);
  if (box.checked && !row) list.append(rowFor(box));
  if (!box.checked) row?.remove();
  settle(chooser);
}

function tickAll(chooser, on) {
  for (const box of chooser.querySelectorAll("[name=columns]")) {
    if (box.checked === on) continue;
    box.checked = on;
    tick(chooser, box);
  }
  changed();
}

function remove(chooser, row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  const box = chooser.querySelector(`[name=columns][value="${CSS.escape(row.dataset.key)}"]`);
  if (box) box.checked = false;
  say(`${nameOf(row)} is no longer in the file.`);
  row.remove();
  settle(chooser);
  (next?.querySelector("[value^='column-remove']") ?? chooser.querySelector("#columns-0")).focus();
  changed();
}

function move(row, way, focus) {
  const other = way < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (way < 0) other.before(row);
  else other.after(row);
  row.scrollIntoView({ block: "nearest" });
  (getComputedStyle(focus).visibility === "hidden" ? row.querySelector("[data-grip]") : focus).focus();
  say(`${nameOf(row)} is number ${[...row.parentElement.children].indexOf(row) + 1} of ${row.parentElement.children.length}.`);
  changed();
}

function drag(list, begun) {
  const row = begun.target.closest("li");
  begun.preventDefault();
  begun.target.focus();
  row.classList.add("moving");
  const follow = (event) => {
    const box = list.getBoundingClientRect();
    if (event.clientY < box.top + EDGE) list.scrollTop -= EDGE / 2;
    if (event.clientY > box.bottom - EDGE) list.scrollTop += EDGE / 2;
    const over = [...list.children].find((each) => each !== row && event.clientY < middle(each));
    if (over !== row.nextElementSibling) list.insertBefore(row, over ?? null);
  };
  const ends = ["pointerup", "pointercancel"];
  const end = () => {
    row.classList.remove("moving");
    document.removeEventListener("pointermove", follow);
    for (const name of ends) document.removeEventListener(name, end);
    changed();
  };
  // on the document: a row that is put elsewhere loses the pointer
  document.addEventListener("pointermove", follow);
  for (const name of ends) document.addEventListener(name, end);
}

function middle(row) {
  const box = row.getBoundingClientRect();
  return box.top + box.height / 2;
}

function rowFor(box) {
  const row = model.cloneNode(true);
  const [key, label] = [box.value, box.parentElement.querySelector("b").textContent];
  row.dataset.key = key;
  row.querySelector("[name=column_order]").value = key;
  row.querySelector(".placed-name span").textContent = label;
  row.querySelector(".placed-name code").textContent = key;
  row.querySelector("[name=column_labels]").setAttribute("aria-label", `Own heading of ${label}`);
  row.querySelector("[data-grip]").setAttribute("aria-label", `Move ${label}: drag, or the arrow keys`);
  const words = { "column-up": `Move ${label} up`, "column-down": `Move ${label} down`, "column-remove": `Remove ${label}` };
  for (const button of row.querySelectorAll("[name=step]")) {
    const [step] = button.value.split(":");
    button.value = `${step}:${key}`;
    button.removeAttribute("id");
    button.setAttribute("aria-label", words[step]);
  }
  return row;
}

/** What the lists say of themselves, after something was ticked or removed. */
function settle(chooser) {
  chooser.querySelector("[data-none]").hidden = chooser.querySelector("[data-placed]").children.length > 0;
  for (const group of chooser.querySelectorAll("[data-column-groups] > details")) {
    const boxes = [...group.querySelectorAll("[name=columns]")];
    group.querySelector("[data-ticked]").textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length}`;
  }
}

function searchFor(groups) {
  const search = document.createElement("input");
  search.type = "search";
  search.className = "form-control";
  search.placeholder = SEARCH;
  search.setAttribute("aria-label", SEARCH);
  search.addEventListener("input", (event) => {
    event.stopPropagation();
    const wanted = search.value.trim().toLowerCase();
    for (const group of groups.children) {
      const choices = [...group.querySelectorAll(".column-choice")];
      for (const each of choices) each.hidden = !`${each.textContent} ${each.firstElementChild.value}`.toLowerCase().includes(wanted);
      group.hidden = choices.every((each) => each.hidden);
      if (wanted) group.open = !group.hidden;
    }
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  return search;
}

function nameOf(row) {
  return row.querySelector(".placed-name span").textContent;
}

function say(words) {
  document.querySelector("[data-moved]").textContent = words;
}

function changed() {
  form.dispatchEvent(new Event("input", { bubbles: true }));
}
