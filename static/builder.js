// The builder's summary follows what is typed. Without this script the button beside it does the same.
const WAIT_MS = 500;
const CANNOT = "The summary cannot be updated now. What you typed is kept.";
const SEARCH_PLACEHOLDER = "Find in the list";

const form = document.querySelector("#builder");
const status = document.querySelector("[data-status]");
let waiting = 0;
let asking = null;

document.querySelector("[data-look]").hidden = true;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(look, WAIT_MS);
});
form.addEventListener("change", (event) => {
  countChosen(event.target.closest("details.filter"));
  // a custom export has no columns but those that are written there
  if (event.target.name === "export_type" && event.target.value === "CUSTOM") document.querySelector("[data-columns]").open = true;
});
for (const list of document.querySelectorAll("[data-searchable]")) list.before(searchFor(list));
look();

async function look() {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(form.dataset.preview, {
      method: "POST",
      body: new FormData(form),
      signal: asking.signal,
    });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch (error) {
    if (error.name !== "AbortError") say(CANNOT);
  }
}

function put(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    document.querySelector(`[data-part="${part.dataset.part}"]`).replaceWith(part);
  }
  const rows = document.querySelector("[data-rows]").textContent;
  say(/\d/.test(rows) ? `Up to date. Rows: ${rows}.` : "Up to date. The rows are not counted yet.");
}

function say(words) {
  status.textContent = words;
}

function countChosen(filter) {
  const shown = filter?.querySelector("[data-chosen]");
  if (!shown) return;
  const count = filter.querySelectorAll(":checked").length;
  shown.textContent = count ? `${count} chosen` : "any";
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
