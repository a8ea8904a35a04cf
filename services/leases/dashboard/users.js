// The tenant's users, to pick those that leases of a secret can be for. What is picked goes into the service's file.

import { h, toast } from "./dom.js";
import * as api from "./api.js";
import { PAUSE, empty, filter, head, options, table, trouble, waiting } from "./page.js";

export const mayPick = (secret) => secret.users > 0 && secret.roles.includes("see-users");

/** Users by what they are called in the file, without regard to case. */
class Picked {
  constructor(names) {
    this.names = new Map(names.map((name) => [name.toLowerCase(), name]));
  }

  #keys(user) {
    return [user.id, user.user_principal_name, user.entry].filter(Boolean).map((name) => name.toLowerCase());
  }

  has(user) {
    return this.#keys(user).some((key) => this.names.has(key));
  }

  set(user, isPicked) {
    for (const key of this.#keys(user)) this.names.delete(key);
    if (isPicked) this.names.set(user.entry.toLowerCase(), user.entry);
  }

  line(secret) {
    return `[secrets.${secret}]\nusers = [${[...this.names.values()].map((name) => `"${name}"`).join(", ")}]`;
  }
}

/** All that the file names now. */
async function listed(secret) {
  const names = [];
  let cursor;
  do {
    const page = await api.secretUsers(secret, { limit: api.MOST, cursor });
    names.push(...page.users.map(({ user }) => user));
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return names;
}

export function usersPage(view, parameters) {
  const body = h("tbody");
  const list = table(["Pick", "Name", "Signs in as", "Object id"], body);
  const more = h("button", { type: "button", onclick: () => load(true) }, "Show more users");
  const foot = h("div", { class: "more", hidden: true }, more);
  const sheet = h("div", { class: "sheet" }, waiting());
  const count = h("p", { class: "end", role: "status" });
  const line = h("pre", { tabindex: "0", "aria-label": "For the file" });
  const copy = h("button", { type: "button", onclick: () => copied() }, "Copy");
  const outcome = h("section", { class: "picked", hidden: true },
    h("p", null, "For the service's file, in the place of what it says of these users. It is read when the service starts."), line, copy);
  let typing, cursor, picked, turn = 0, isOver = false;
  const secret = h("select", { onchange: () => begin() });
  const search = h("input", {
    type: "search", autocomplete: "off", spellcheck: "false", placeholder: "anybody",
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(load, PAUSE);
    },
  });

  const draw = () => {
    line.textContent = picked.line(secret.value);
    outcome.hidden = false;
  };
  const copied = () => navigator.clipboard.writeText(`${line.textContent}\n`).then(() => toast("Copied."), () => {
    getSelection().selectAllChildren(line); // no permission: Ctrl+C does it
    toast("It is selected: copy it with Ctrl+C.");
  });
  const row = (user) => {
    const box = h("input", {
      type: "checkbox", checked: picked.has(user), "aria-label": `Pick ${user.display_name ?? user.entry}`,
      onchange: () => {
        picked.set(user, box.checked);
        draw();
      },
    });
    return h("tr", null,
      h("td", null, box),
      h("td", { class: "name" }, h("div", { class: "strong" }, user.display_name ?? ""), user.is_listed && h("div", { class: "sub" }, "in the file")),
      h("td", { "data-label": "Signs in as" }, user.user_principal_name ?? ""),
      h("td", { "data-label": "Object id" }, h("span", { class: "mono" }, user.id)));
  };
  const failed = (reason, again) => {
    if (!isOver && reason.status !== 401) sheet.replaceChildren(trouble(reason, again));
  };
  const load = async (onward = false) => {
    const mine = ++turn;
    try {
      const found = await api.tenantUsers(secret.value, { search: search.value.trim(), limit: api.PAGE, cursor: onward ? cursor : undefined });
      if (mine !== turn || isOver) return;
      cursor = found.next_cursor ?? undefined;
      const rows = found.users.map(row);
      if (!onward) body.replaceChildren();
      body.append(...rows);
      sheet.replaceChildren(...(body.children.length ? [list, foot]
        : [empty("Nobody was found", "No user's name begins so: neither what people call it nor what it signs in as.")]));
      foot.hidden = !cursor;
      count.textContent = `${body.children.length}${cursor ? " and more" : ""} ${body.children.length === 1 ? "user" : "users"}`;
      if (onward) rows[0]?.querySelector("input").focus();
    } catch (reason) {
      if (mine === turn) failed(reason, () => load());
    }
  };
  /** Of a secret: what its file says, then the tenant. */
  const begin = async () => {
    const mine = ++turn;
    outcome.hidden = true;
    try {
      const names = await listed(secret.value);
      if (mine !== turn || isOver) return;
      picked = new Picked(names);
      draw();
      await load();
    } catch (reason) {
      if (mine === turn) failed(reason, begin);
    }
  };
  const start = async () => {
    try {
      const all = (await api.secrets()).filter(mayPick);
      secret.replaceChildren(...options(all.map(({ name }) => [name, name]), parameters.get("secret") ?? all[0]?.name));
      if (all.length) await begin();
      else sheet.replaceChildren(empty("There is nothing to pick users for", "It takes a secret that is for users, and the role see-users for it."));
    } catch (reason) {
      failed(reason, start);
    }
  };
  view.replaceChildren(
    head("Users", "Users of the tenant, to pick those that leases of a secret can be for."),
    h("div", { class: "filters" }, filter("Secret", secret), filter("Name begins with", search), count), sheet, outcome);
  start();
  return () => {
    isOver = true;
    clearTimeout(typing);
  };
}
