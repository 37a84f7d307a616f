// Groups with rows of their own are added and removed in place. Without this script the buttons send the form.
const form = document.querySelector("#builder");
const groups = form.querySelector("[data-own-groups]");
const add = form.querySelector("[value='own-rows-add']");
const model = document.querySelector("template[data-own-group]");
let next = groups.children.length;

form.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=step]");
  if (button === add && add) grow();
  else if (button?.value.startsWith("own-rows-remove")) button.closest("[data-own-group]").remove();
  else return;
  event.preventDefault();
  if (add) add.hidden = groups.children.length >= Number(groups.dataset.most);
  if (button !== add) (add ?? groups).focus();
  form.dispatchEvent(new Event("input", { bubbles: true }));
});

function grow() {
  // the form's names carry the group's number, and the server closes gaps in them
  groups.insertAdjacentHTML("beforeend", model.innerHTML.replaceAll(model.dataset.ownGroup, `own_rows-${next}`));
  next += 1;
  const group = groups.lastElementChild;
  group.querySelector("legend").textContent = `Group ${groups.children.length}`;
  form.dispatchEvent(new CustomEvent("grown", { detail: group }));
  group.querySelector("textarea").focus();
}
