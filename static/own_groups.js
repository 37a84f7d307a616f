// Groups with rows of their own are added and removed in place. Without this script the buttons send the form.
const form = document.querySelector("#builder");
const groups = form.querySelector("[data-own-groups]");
const add = form.querySelector("[value='own-rows-add']");
// the names of a group's fields carry its number; the server closes gaps in them
let next = groups.children.length;

form.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=step]");
  if (button && button === add) grow();
  else if (button?.value.startsWith("own-rows-remove")) shrink(button.closest("[data-own-group]"));
  else return;
  event.preventDefault();
});

async function grow() {
  add.disabled = true;
  try {
    const body = new FormData();
    body.set("csrf_token", form.elements.csrf_token.value);
    const answer = await fetch(`${form.dataset.preview}${form.dataset.more}group=${next}`, { method: "POST", body });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    groups.insertAdjacentHTML("beforeend", await answer.text());
  } catch {
    add.disabled = false;
    form.requestSubmit(add);
    return;
  }
  next += 1;
  const group = groups.lastElementChild;
  group.querySelector("legend").textContent = `Group ${groups.children.length}`;
  form.dispatchEvent(new CustomEvent("grown", { detail: group }));
  settle();
  group.querySelector("textarea").focus();
}

function shrink(group) {
  group.remove();
  settle();
  (add ?? groups).focus();
}

function settle() {
  if (add) {
    add.disabled = false;
    add.hidden = groups.children.length >= Number(groups.dataset.most);
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}
