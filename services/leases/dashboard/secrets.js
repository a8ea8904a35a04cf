// The page of dynamic secrets.

import { h } from "./dom.js";
import * as api from "./api.js";
import { generate } from "./actions.js";
import { meter } from "./bar.js";
import { empty, head, table, trouble, waiting } from "./page.js";
import { duration } from "./time.js";
import { mayPick } from "./users.js";
import { KINDS, target } from "./words.js";

function whom(secret) {
  const [short, whole] = target(secret.target, secret.kind);
  const users = secret.user ?? `${secret.users} users`;
  const pick = mayPick(secret) && h("a", { href: `#/users?secret=${encodeURIComponent(secret.name)}`, "aria-label": `Pick users for ${secret.name}` }, "pick");
  return [short && h("div", { title: whole }, short), secret.users > 0 && h("div", { class: short && "sub" }, users, pick && " ", pick)];
}

function row(secret, again) {
  const may = secret.roles.includes("issue");
  const full = secret.living >= secret.max_leases;
  const button = h("button", { type: "button", class: "primary", "aria-label": `Generate from ${secret.name}`, disabled: full },
    "Generate");
  button.addEventListener("click", () => generate(secret, again));
  const living = h("a", { href: `#/leases?secret=${encodeURIComponent(secret.name)}` }, `${secret.living} of ${secret.max_leases}`);
  return h("tr", null,
    h("td", { class: "name" }, h("div", { class: "strong" }, secret.name), h("div", { class: "sub" }, KINDS[secret.kind] ?? secret.kind)),
    h("td", { "data-label": "Of" }, whom(secret)),
    h("td", { "data-label": "Lives" }, h("span", { class: "nowrap" }, duration(secret.default_ttl)),
      h("div", { class: "sub nowrap" }, `up to ${duration(secret.max_ttl)}`)),
    h("td", { "data-label": "Leases" }, living, meter(secret.living, secret.max_leases),
      full && h("div", { class: "sub" }, "All are in use: revoke one, or wait until one ends.")),
    h("td", { class: "actions" }, may ? button : h("span", { class: "sub" }, "You may not generate")));
}

const EXAMPLE = `[secrets.orders]
kind = "application_password"
application-id = "…"
default-ttl = "1h"
max-ttl = "8h"`;

export function secretsPage(view) {
  const sheet = h("div", { class: "sheet" }, waiting());
  const load = async () => {
    try {
      const all = await api.secrets();
      const none = empty("There is nothing to generate from yet",
        "Dynamic secrets are entries of the service's configuration file. Add one, then restart or reload the service:",
        h("pre", null, EXAMPLE));
      sheet.replaceChildren(all.length
        ? table(["Secret", "Application, user or cache", "Lives for", "Living leases", ""], h("tbody", null, all.map((one) => row(one, load))))
        : none);
    } catch (reason) {
      if (reason.status !== 401) sheet.replaceChildren(trouble(reason, load));
    }
  };
  view.replaceChildren(head("Secrets", "Each Generate makes a credential of its own, which ends by itself."), sheet);
  load();
  return () => {};
}
