// The time that a lease has left, drawn as a bar and said in words.

import { h, svg } from "./dom.js";
import { clock, duration } from "./time.js";

/** From here on it is time to renew: shares of the whole life. */
const SOON = 0.25, LAST = 0.1;

/** A bar for a lease. `update` draws it anew. */
export function timeLeft() {
  const left = svg("rect", { class: "left", height: "100%" });
  const more = svg("rect", { class: "more-to-come", height: "100%" });
  const drawn = svg("svg", { class: "bar-track", role: "img", preserveAspectRatio: "none" }, more, left);
  const text = h("span", { class: "strong nowrap" });
  const sub = h("span", { class: "sub" });
  const element = h("div", null, h("div", null, text, " ", sub), drawn);
  const update = (lease, now) => {
    const seconds = Math.max(0, lease.expires_at - now);
    const life = Math.max(1, lease.max_expires_at - lease.created_at);
    const percent = (time) => `${Math.min(100, Math.max(0, (100 * time) / life)).toFixed(2)}%`;
    left.setAttribute("width", percent(seconds));
    more.setAttribute("x", percent(seconds));
    more.setAttribute("width", percent(lease.max_expires_at - Math.max(now, lease.expires_at)));
    const share = seconds / Math.max(1, lease.expires_at - lease.created_at);
    drawn.setAttribute("class", `bar-track${share <= LAST ? " last" : share <= SOON ? " soon" : ""}`);
    const end = `at ${clock(lease.expires_at, now)}`;
    const most = lease.renewable ? `, renewable until ${clock(lease.max_expires_at, now)}` : "";
    text.textContent = seconds > 0 ? `ends in ${duration(seconds)}` : "is ending";
    sub.textContent = end + most;
    drawn.setAttribute("aria-label", `${duration(seconds)} left of ${duration(life)} at most`);
  };
  return { element, update };
}

/** How many of how many, drawn. */
export function meter(count, most) {
  const width = `${Math.min(100, (100 * count) / Math.max(1, most)).toFixed(2)}%`;
  return svg("svg", { class: `bar-track meter${count >= most ? " last" : ""}`, "aria-hidden": "true" },
    svg("rect", { class: "left", height: "100%", width }));
}
