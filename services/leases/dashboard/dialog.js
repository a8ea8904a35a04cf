// Modal dialogs. The browser keeps the focus inside and gives it back.

import { h, newId } from "./dom.js";

/** Opens one. `body` and `foot` are elements; `mayClose` is asked when Escape is pressed. */
export function open(title, body, foot, { mayClose = () => true, onClose } = {}) {
  const heading = h("h2", { id: newId("dialog") }, title);
  const back = document.activeElement;
  const dialog = h("dialog", { "aria-labelledby": heading.id },
    h("div", { class: "dialog-body" }, heading, body), h("div", { class: "dialog-foot" }, foot));
  dialog.addEventListener("cancel", (event) => {
    if (!mayClose()) event.preventDefault();
  });
  // Browsers ask that way at the first Escape only, and close at the second, whatever was answered.
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    if (mayClose()) dialog.close();
  };
  document.addEventListener("keydown", escape, true);
  dialog.addEventListener("close", () => {
    document.removeEventListener("keydown", escape, true);
    dialog.remove(); // and what it showed
    onClose?.();
    if (back?.isConnected) back.focus();
    else document.getElementById("view").focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A form in a dialog. `submit` does it; what it throws is shown, and the dialog stays open. */
export function form(title, fields, { action, busy, kind = "primary", submit }) {
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const go = h("button", { class: kind, type: "submit" }, action);
  // What was begun is waited for: a credential that comes when nobody looks would be lost.
  const stop = h("button", { type: "button", onclick: () => working || dialog.close() }, "Cancel");
  const id = newId("form");
  let working = false;
  const run = async (event) => {
    event.preventDefault();
    if (working) return;
    working = true;
    error.hidden = true;
    go.textContent = busy;
    for (const button of [go, stop]) button.setAttribute("aria-disabled", "true");
    try {
      await submit(dialog);
    } catch (reason) {
      error.textContent = reason.message;
      error.hidden = false;
    }
    working = false;
    go.textContent = action;
    for (const button of [go, stop]) button.removeAttribute("aria-disabled");
  };
  const body = h("form", { id, onsubmit: run }, fields, error);
  go.setAttribute("form", id);
  const dialog = open(title, body, [stop, go], { mayClose: () => !working });
  // Where the choice is, not where the first of the choices is.
  (dialog.querySelector("input[type=search]") ?? dialog.querySelector("input:checked"))?.focus();
  return dialog;
}
