// A question that opens in place without JavaScript (<details class="ask">) becomes a dialog with it.
for (const details of document.querySelectorAll("details.ask")) {
  const opener = details.querySelector("summary");
  const form = details.querySelector("form");
  const title = form.querySelector(".ask-title");
  const dialog = document.createElement("dialog");
  dialog.className = "ask-dialog";
  dialog.setAttribute("aria-label", title.textContent);
  const leave = document.createElement("button");
  leave.type = "button";
  leave.className = "btn";
  leave.textContent = "Leave it as it is";
  leave.addEventListener("click", () => dialog.close());
  form.querySelector(".acts:last-child").append(leave);
  const button = document.createElement("button");
  button.type = "button";
  button.className = opener.className;
  button.textContent = opener.textContent;
  button.addEventListener("click", () => {
    dialog.showModal();
    leave.focus();
  });
  dialog.append(form);
  details.replaceWith(button, dialog);
}

// An error summary takes the focus, so that it is read first.
document.querySelector(".error-summary")?.focus();
