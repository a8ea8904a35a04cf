// The credential of a new lease: shown once, and gone from the page with the dialog.

import { h, toast } from "./dom.js";
import { now } from "./api.js";
import { open } from "./dialog.js";
import { clock, duration } from "./time.js";

/** Label, field of the answer, whether it is secret, and its usual variable. */
const FIELDS = [
  ["Tenant id", "tenant_id", false, "AZURE_TENANT_ID"],
  ["Client id", "client_id", false, "AZURE_CLIENT_ID"],
  ["Client secret", "client_secret", true, "AZURE_CLIENT_SECRET"],
  ["User", "user", false],
  ["Password", "password", true],
  ["Object id", "object_id", false],
  ["Access policy", "access_policy", false],
  ["Cache", "cache", false],
];

async function copy(text, what, from) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied.`);
  } catch {
    getSelection().selectAllChildren(from); // no permission: Ctrl+C does it
    toast(`${what} is selected: copy it with Ctrl+C.`);
  }
}

export function showCredential(lease) {
  const given = FIELDS.filter(([, name]) => lease.data[name]);
  const hasSecret = given.some(([, , isSecret]) => isSecret);
  const rows = given.map(([label, name, isSecret]) => {
    const value = h("span", { class: isSecret ? "value secret" : "value", tabindex: "0" }, String(lease.data[name]));
    const button = h("button", { type: "button", "aria-label": `Copy ${label.toLowerCase()}` }, "Copy");
    button.addEventListener("click", () => copy(value.textContent, label, value));
    return h("div", null, h("dt", null, label), h("dd", null, value, button));
  });
  const variables = given.filter(([, , , variable]) => variable);
  const list = h("dl", { class: "credential" }, rows);
  const until = `It ends in ${duration(lease.expires_at - now())} (${clock(lease.expires_at, now())}).`;
  const said = hasSecret
    ? `This is shown once: store it now. If it is lost, revoke the lease and generate another. ${until}`
    : `No secret is needed: whoever signs in as this object id may use the cache now. ${until}`;
  const warning = h("p", { class: "error", role: "alert", hidden: true },
    "Close without having stored it? Press Escape once more to close; nobody can see it again.");
  const all = variables.length === 3 && h("button", { type: "button" }, "Copy as environment variables");
  if (all) {
    all.addEventListener("click", () =>
      copy(variables.map(([, name, , variable]) => `${variable}=${lease.data[name]}`).join("\n") + "\n", "All three", list));
  }
  const close = h("button", { type: "button", class: "primary" }, hasSecret ? "I have stored it" : "Close");
  let warned = !hasSecret;
  const mayClose = () => {
    const may = warned;
    warned = true;
    warning.hidden = may;
    return may;
  };
  const onClose = () => rows.forEach((row) => row.replaceChildren());
  const dialog = open("Your credential", [h("p", { class: "notice-text" }, said), list, warning], [all, close], { mayClose, onClose });
  close.addEventListener("click", () => dialog.close());
  // Not the button that closes: whoever pressed Enter twice would have lost it.
  (dialog.querySelector(".secret + button") ?? close).focus();
}
