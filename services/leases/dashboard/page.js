// What the pages have in common.

import { h } from "./dom.js";

/** How long typing may pause before it is looked for, in milliseconds. */
export const PAUSE = 300;

export function head(title, text, ...buttons) {
  return h("div", { class: "head" }, h("div", null, h("h1", null, title), text && h("p", null, text)), buttons);
}

export const empty = (title, text, ...more) => h("div", { class: "empty" }, h("h2", null, title), h("p", null, text), more);
export const waiting = () => h("p", { class: "waiting" }, "Loading…");

/** A trouble with a button to try again. */
export const trouble = (reason, again) =>
  h("div", { class: "notice bad", role: "alert" }, h("span", null, reason.message),
    h("button", { type: "button", onclick: again }, "Try again"));

export function table(columns, body) {
  const header = (name) => h("th", { scope: "col" }, name || h("span", { class: "hidden-text" }, "Actions"));
  return h("table", null, h("thead", null, h("tr", null, columns.map(header))), body);
}

export function filter(label, input) {
  const id = `filter-${label.toLowerCase().replaceAll(" ", "-")}`;
  input.id = id;
  return h("div", null, h("label", { for: id }, label), input);
}

export const options = (pairs, chosen = "") =>
  pairs.map(([value, text]) => {
    const option = h("option", { value }, text);
    option.selected = value === chosen;
    return option;
  });
