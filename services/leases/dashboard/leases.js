// The page of leases: time left, renew, revoke.

import { h } from "./dom.js";
import * as api from "./api.js";
import { renew, revoke } from "./actions.js";
import { timeLeft } from "./bar.js";
import { empty, filter, head, options, table, trouble, waiting } from "./page.js";
import { ago, exact } from "./time.js";
import { KINDS, STATES, whom } from "./words.js";

/** How often the list is asked for, and how often the bars move: milliseconds. */
const ASK = 5000, DRAW = 1000;

class Row {
  constructor(lease, again) {
    const [short, whole] = whom(lease);
    this.bar = timeLeft();
    this.time = h("td", { class: "time" });
    this.actions = h("td", { class: "actions" });
    this.element = h("tr", { "data-lease": lease.lease_id },
      h("td", { class: "name" }, h("div", { class: "strong" }, lease.secret), h("div", { class: "sub" }, KINDS[lease.kind] ?? lease.kind)),
      h("td", { "data-label": "For" }, h("span", { title: whole }, short),
        h("div", { class: "sub" }, `by ${lease.holder}, `,
          h("span", { title: exact(lease.created_at) }, ago(lease.created_at, api.now())))),
      this.time, this.actions);
    const of = `${lease.secret} for ${short}`;
    const button = (text, does, kind) => h("button", {
      type: "button", class: `quiet ${kind}`, "aria-label": `${text} ${of}`, onclick: () => does(this.lease, again),
    }, text);
    this.renew = button("Renew", renew, "");
    this.revoke = button("Revoke", revoke, "warns");
    const to = `#/audit?lease_id=${encodeURIComponent(lease.lease_id)}`;
    this.history = h("button", { type: "button", class: "quiet", "aria-label": `History of ${of}`, onclick: () => { location.hash = to; } }, "History");
    this.actions.append(this.history, this.renew, this.revoke);
    this.update(lease);
  }

  update(lease) {
    this.lease = lease;
    const isActive = lease.state === "active";
    this.renew.hidden = !(isActive && lease.may_renew && lease.renewable);
    this.revoke.hidden = !(isActive && lease.may_revoke);
    const [word, kind] = STATES[lease.state] ?? [lease.state, ""];
    const why = [lease.reason, lease.last_error].filter(Boolean).join(": ");
    const shown = isActive ? "active" : `${word} ${why}`;
    if (this.shown !== shown) {
      this.shown = shown;
      this.time.replaceChildren(isActive ? this.bar.element : h("span", { class: `chip ${kind}` }, word),
        ...(why ? [h("div", { class: "sub" }, why)] : []));
    }
    this.draw();
  }

  draw() {
    if (this.lease.state === "active") this.bar.update(this.lease, api.now());
  }
}

const NOTHING = {
  living: ["No lease is living", "Generate one: it is listed here with the time that it has left."],
  all: ["No lease was found", "Choose other filters, or generate one."],
};

export function leasesPage(view, parameters) {
  const rows = new Map();
  const body = h("tbody");
  const list = table(["Secret", "For", "Time left", ""], body);
  const sheet = h("div", { class: "sheet" }, waiting());
  const problem = h("div");
  const count = h("p", { class: "end", role: "status" });
  const state = h("select", { onchange: () => load() }, options([["living", "Living"], ["", "All"], ["revoked", "Ended"], ["failed", "Failed"]], "living"));
  const secret = h("select", { onchange: () => load() }, options([["", "All"]]));
  const wanted = parameters.get("secret") ?? "";
  const more = h("button", { type: "button", onclick: () => load(true) }, "Show older leases");
  const foot = h("div", { class: "more", hidden: true }, more);
  let cursor, pages = 1, isOver = false, turn = 0;

  const show = (leases) => {
    const seen = new Set(leases.map((lease) => lease.lease_id));
    for (const [id, row] of rows) {
      if (seen.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    for (const [index, lease] of leases.entries()) {
      const row = rows.get(lease.lease_id);
      if (row) row.update(lease);
      else rows.set(lease.lease_id, new Row(lease, () => load()));
      const { element } = rows.get(lease.lease_id);
      // Only what is new is put in: an element that moves loses its focus.
      if (element.parentNode !== body) body.insertBefore(element, body.children[index] ?? null);
    }
    if (!rows.size) {
      const go = h("button", { type: "button", class: "primary", onclick: () => { location.hash = "#/secrets"; } }, "Go to Secrets");
      const text = NOTHING[state.value] ?? NOTHING.all;
      if (sheet.dataset.shows !== text[0]) sheet.replaceChildren(empty(...text, go));
      sheet.dataset.shows = text[0];
    } else if (sheet.dataset.shows !== "rows") {
      sheet.replaceChildren(list, foot);
      sheet.dataset.shows = "rows";
    }
    foot.hidden = !cursor;
    const told = cursor ? `${rows.size} and more` : rows.size === 1 ? "1 lease" : `${rows.size} leases`;
    if (count.textContent !== told) count.textContent = told; // it is read out
  };

  /** The pages that are shown, or the next one too. */
  const load = async (onward = false) => {
    const mine = ++turn;
    const filter = { state: state.value, secret: secret.value };
    pages = onward ? pages + 1 : pages;
    try {
      const found = [];
      let next;
      do {
        const limit = Math.min(api.MOST, pages * api.PAGE - found.length);
        const said = await api.leases({ ...filter, limit, cursor: next });
        found.push(...said.leases);
        next = said.next_cursor ?? undefined;
      } while (next && found.length < pages * api.PAGE);
      if (mine !== turn || isOver) return;
      cursor = next;
      problem.replaceChildren();
      show(found);
    } catch (reason) {
      if (mine === turn && !isOver && reason.status !== 401) {
        problem.replaceChildren(trouble(reason, () => load()));
        if (!rows.size) {
          sheet.replaceChildren(h("p", { class: "waiting" }, "Nothing could be loaded."));
          sheet.dataset.shows = "trouble";
        }
      }
    }
  };

  const named = async () => {
    const all = await api.secrets().catch(() => []);
    secret.append(...options(all.map(({ name }) => [name, name]), wanted));
  };
  state.addEventListener("change", () => { pages = 1; });
  secret.addEventListener("change", () => { pages = 1; });
  view.replaceChildren(
    head("Leases", "Credentials that were handed out, with the time that they have left."),
    h("div", { class: "filters" }, filter("State", state), filter("Secret", secret), count), problem, sheet);
  named().then(() => load());
  const again = () => { if (!document.hidden) load(); };
  const asking = setInterval(again, ASK);
  document.addEventListener("visibilitychange", again);
  const drawing = setInterval(() => { for (const row of rows.values()) row.draw(); }, DRAW);
  return () => {
    isOver = true;
    clearInterval(asking);
    document.removeEventListener("visibilitychange", again);
    clearInterval(drawing);
  };
}
