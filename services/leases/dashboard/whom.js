// The choice of a user: a list that comes page by page, and is searched by name.

import { field, h, newId } from "./dom.js";
import * as api from "./api.js";
import { clock } from "./time.js";
import { PAUSE } from "./page.js";

function taken(user) {
  if (!user.is_taken) return undefined;
  const isLiving = user.taken_until > api.now();
  return h("span", { class: "sub" }, isLiving ? `taken until ${clock(user.taken_until, api.now())}` : "being taken back");
}

/** Fields to choose one with; `value()` gives its name or throws a sentence. */
export function userChoice(secret) {
  const name = newId("user");
  const list = h("div", { class: "people" });
  const said = h("p", { class: "hint", role: "status" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load(true) }, "Show more users");
  let typing, cursor, turn = 0;
  const search = h("input", {
    type: "search", autocomplete: "off", spellcheck: "false", placeholder: `any of ${secret.users}`,
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(load, PAUSE);
    },
    // Who looks for somebody has not chosen yet.
    onkeydown: (event) => { if (event.key === "Enter") event.preventDefault(); },
  });
  const row = (user) => h("label", { class: "person" },
    h("input", { type: "radio", name, value: user.user, disabled: user.is_taken }), h("span", null, user.user), taken(user));
  const load = async (onward = false) => {
    const mine = ++turn;
    try {
      const found = await api.secretUsers(secret.name, { search: search.value.trim(), limit: api.PAGE, cursor: onward ? cursor : undefined });
      if (mine !== turn) return;
      cursor = found.next_cursor ?? undefined;
      const rows = found.users.map(row);
      if (onward) list.append(...rows);
      else list.replaceChildren(...rows);
      more.hidden = !cursor;
      const count = list.children.length;
      said.textContent = count ? `${count}${cursor ? " and more" : ""} ${count === 1 ? "user" : "users"}` : "Nobody is called so.";
      if (onward && !cursor) rows[0]?.querySelector("input:enabled")?.focus();
    } catch (reason) {
      if (mine === turn) said.textContent = reason.message;
    }
  };
  const value = () => {
    const chosen = list.querySelector("input:checked");
    if (chosen) return chosen.value;
    search.focus();
    throw new Error("Choose for whom it is.");
  };
  load();
  const set = h("fieldset", { class: "whom" }, h("legend", null, "For whom"), field("Search by name", search), list, more, said);
  return { fields: set, value };
}
