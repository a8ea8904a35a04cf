// The choice of a time to live.

import { field, h, newId } from "./dom.js";
import { now } from "./api.js";
import { clock, duration, parse } from "./time.js";

const USUAL = [900, 3600, 4 * 3600, 8 * 3600, 86400, 7 * 86400];
const OTHER = "other";

/** Those that are offered: usual ones up to the most, the default, and the most itself. */
function offered(standard, most) {
  const all = [...USUAL.filter((seconds) => seconds < most), standard, most];
  return [...new Set(all)].filter((seconds) => seconds <= most).sort((a, b) => a - b);
}

/** Fields to choose one with; `value()` gives seconds or throws a sentence. `outcome` says what a choice leads to. */
export function ttlChoice({ standard, most, outcome }) {
  const name = newId("ttl");
  const said = h("p", { class: "outcome", "aria-live": "polite" });
  const text = h("input", { type: "text", autocomplete: "off", spellcheck: "false", oninput: () => show() });
  const other = field("Another time", text, `For example 45m, 1h30m or 1d; ${duration(most)} at most.`);
  other.hidden = true;
  const choice = (value, label) =>
    h("label", { class: "choice" },
      h("input", { type: "radio", name, value: String(value), checked: value === standard, onchange: () => show(true) }),
      h("span", null, label));
  const set = h("fieldset", { class: "choices" }, h("legend", null, "For how long"),
    offered(standard, most).map((seconds) => choice(seconds, duration(seconds))), choice(OTHER, "Other…"));
  const value = () => {
    const chosen = set.querySelector("input:checked").value;
    if (chosen !== OTHER) return Number(chosen);
    const seconds = parse(text.value);
    const refuse = (sentence) => {
      text.setAttribute("aria-invalid", "true");
      text.focus();
      throw new Error(sentence);
    };
    if (!seconds) refuse(`"${text.value}" is no time: write 45m, 1h30m or 1d.`);
    if (seconds > most) refuse(`That is longer than the ${duration(most)} that are allowed.`);
    return seconds;
  };
  const show = (moves = false) => {
    const isOther = set.querySelector("input:checked").value === OTHER;
    other.hidden = !isOther;
    text.removeAttribute("aria-invalid");
    if (isOther && moves && !text.value) text.focus();
    const seconds = isOther ? parse(text.value) : Number(set.querySelector("input:checked").value);
    said.textContent = seconds && seconds <= most ? outcome(seconds) : "Say how long it is to live.";
  };
  show();
  return { fields: [set, other, said], value };
}

export const endsAt = (seconds) => clock(now() + seconds, now());
