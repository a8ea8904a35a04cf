// The audit trail.

import { h } from "./dom.js";
import * as api from "./api.js";
import { PAUSE, empty, filter, head, options, table, trouble, waiting } from "./page.js";
import { ago, exact } from "./time.js";
import { EVENTS } from "./words.js";

const SINCE = [["", "Ever"], ["3600", "Last hour"], ["86400", "Last day"], ["604800", "Last week"]];

function row(entry) {
  const at = entry.at_ms / 1000;
  const ids = [["key", entry.key_id], ["request", entry.request_id]].filter(([, id]) => id);
  const lease = entry.lease_id &&
    h("a", { href: `#/audit?lease_id=${encodeURIComponent(entry.lease_id)}`, class: "mono" }, entry.lease_id);
  return h("tr", null,
    h("td", null, h("div", { class: "nowrap" }, exact(at)), h("div", { class: "sub" }, ago(at, api.now()))),
    h("td", null, h("div", { class: "strong" }, EVENTS[entry.event] ?? entry.event), entry.detail && h("div", { class: "sub" }, entry.detail)),
    h("td", { "data-label": "By" }, entry.actor),
    h("td", { "data-label": "Secret" }, entry.secret && h("div", null, entry.secret), lease),
    h("td", null, ids.map(([word, id]) => h("div", { class: "sub" }, `${word} `, h("span", { class: "mono" }, id)))));
}

export function auditPage(view, parameters) {
  const body = h("tbody");
  const list = table(["When", "What", "By", "Secret and lease", "Azure's ids"], body);
  const more = h("button", { type: "button", onclick: () => load(true) }, "Show older entries");
  const foot = h("div", { class: "more", hidden: true }, more);
  const sheet = h("div", { class: "sheet" }, waiting());
  const count = h("p", { class: "end", role: "status" });
  let typing, cursor, turn = 0, isOver = false;
  const later = () => {
    clearTimeout(typing);
    typing = setTimeout(() => load(), PAUSE);
  };
  const text = (label) => h("input", { type: "text", autocomplete: "off", spellcheck: "false", oninput: later, placeholder: label });
  const secret = h("select", { onchange: () => load() }, options([["", "All"]]));
  const event = h("select", { onchange: () => load() }, options([["", "All"], ...Object.entries(EVENTS)]));
  const actor = text("anybody");
  const lease = text("any");
  const since = h("select", { onchange: () => load() }, options(SINCE));
  lease.value = parameters.get("lease_id") ?? "";

  const load = async (onward = false) => {
    const mine = ++turn;
    const wanted = {
      secret: secret.value, event: event.value, actor: actor.value.trim(), lease_id: lease.value.trim(),
      since: since.value && Math.floor(api.now() - Number(since.value)), cursor: onward ? cursor : undefined,
    };
    try {
      const said = await api.audit(wanted);
      if (mine !== turn || isOver) return;
      cursor = said.next_cursor ?? undefined;
      if (!onward) body.replaceChildren();
      const first = body.children.length;
      body.append(...said.audit.map(row));
      sheet.replaceChildren(...(body.children.length ? [list, foot]
        : [empty("Nothing was found", "No entry fits these filters. Take one away, or look further back.")]));
      foot.hidden = !cursor;
      count.textContent = `${body.children.length}${cursor ? " and more" : ""} ${body.children.length === 1 ? "entry" : "entries"}`;
      if (onward && !cursor) body.children[first]?.querySelector("a")?.focus();
    } catch (reason) {
      if (mine === turn && !isOver && reason.status !== 401) sheet.replaceChildren(trouble(reason, () => load()));
    }
  };

  const named = async () => {
    const all = await api.secrets().catch(() => []);
    secret.append(...options(all.map(({ name }) => [name, name])));
  };
  view.replaceChildren(
    head("Audit trail", "Every step taken with a lease: by whom, and under which id at Azure."),
    h("div", { class: "filters" }, filter("Event", event), filter("By", actor), filter("Secret", secret),
      filter("Lease", lease), filter("When", since), count), sheet);
  named();
  load();
  return () => {
    isOver = true;
    clearTimeout(typing);
  };
}
