// The builder's summary follows what is typed. Without this script the button beside it does the same.
const WAIT_MS = 500;
const CANNOT = "The summary cannot be updated now. What you typed is kept.";
const SEARCH_PLACEHOLDER = "Find in the list";
const NAMED = 3;

const form = document.querySelector("#builder");
const status = document.querySelector("[data-status]");
let waiting = 0;
let asking = null;
let chooserToo = false;

document.querySelector("[data-look]").hidden = true;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(look, WAIT_MS);
});
form.addEventListener("change", (event) => {
  nameChosen(event.target.closest("details.filter"));
  if (event.target.name === "export_type") {
    chooseFormat();
    // a custom export has no columns but those that are chosen
    if (event.target.value === "CUSTOM") document.querySelector("#fold-columns").open = true;
  }
  // what there is to choose from is another
  if (["export_type", "investigations"].includes(event.target.name)) chooserToo = true;
});
document.addEventListener("change", (event) => {
  if (event.target.name === "look_as") look();
});
makeSearchable(form);
form.addEventListener("grown", (event) => makeSearchable(event.detail));
look();

async function look() {
  asking?.abort();
  asking = new AbortController();
  const withChooser = chooserToo;
  try {
    const answer = await fetch(form.dataset.preview + (withChooser ? `${form.dataset.more}chooser=1` : ""), {
      method: "POST",
      body: new FormData(form),
      signal: asking.signal,
    });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (withChooser) chooserToo = false;
  } catch (error) {
    if (error.name !== "AbortError") say(CANNOT);
  }
}

function put(fresh) {
  const focused = document.activeElement.name === "look_as" ? document.activeElement.value : null;
  for (const part of fresh.querySelectorAll("[data-part]")) {
    document.querySelector(`[data-part="${part.dataset.part}"]`).replaceWith(part);
    form.dispatchEvent(new CustomEvent("replaced", { detail: part }));
  }
  if (focused) document.querySelector(`[name=look_as][value=${focused}]`)?.focus();
  for (const words of fresh.querySelectorAll("[data-said]")) {
    const shown = form.querySelector(`[data-said="${words.dataset.said}"]`);
    if (shown) shown.textContent = words.textContent;
  }
  const rows = document.querySelector("[data-rows]").textContent;
  say(/\d/.test(rows) ? `Up to date. Rows: ${rows}.` : "Up to date. The rows are not counted yet.");
}

function say(words) {
  status.textContent = words;
}

/** A format that the contents do not come in is not left chosen. */
function chooseFormat() {
  const formats = [...form.querySelectorAll("[name=format]")];
  const offered = formats.filter((each) => each.closest("label").offsetParent !== null);
  if (!offered.some((each) => each.checked) && offered.length) offered[0].checked = true;
}

function nameChosen(filter) {
  const filled = filter?.querySelector("[data-filled]");
  if (filled) filled.textContent = [...filter.querySelectorAll("textarea, [type=text], [type=date], [type=radio]:checked")].some((each) => each.value.trim()) ? "chosen" : "any";
  const shown = filter?.querySelector("[data-chosen]");
  if (!shown) return;
  const names = [...filter.querySelectorAll(":checked")].map((box) => box.parentElement.querySelector("span").textContent);
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  shown.textContent = names.slice(0, NAMED).join(", ") + more || "any";
}

function makeSearchable(part) {
  for (const list of part.querySelectorAll("[data-searchable]")) list.before(searchFor(list));
}

function searchFor(list) {
  const search = document.createElement("input");
  search.type = "search";
  search.className = "form-control filter-search";
  search.placeholder = SEARCH_PLACEHOLDER;
  search.setAttribute("aria-label", SEARCH_PLACEHOLDER);
  search.addEventListener("input", (event) => {
    event.stopPropagation();
    const wanted = search.value.trim().toLowerCase();
    for (const choice of list.children) choice.hidden = !choice.textContent.toLowerCase().includes(wanted);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  return search;
}
