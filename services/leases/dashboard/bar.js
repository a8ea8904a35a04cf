// The time that a lease has left, drawn as a bar and said in words.

import { h, svg } from "./dom.js";
import { clock, duration } from "./time.js";

/** From here on it is time to renew: shares of the time since it was made, and seconds at most. */
const SOON = [0.25, 1800], LAST = [0.1, 300];
/** What is left of a lease is to be seen up to its end. */
const LEAST = 1.5;

/** A bar for a lease. `update` draws it anew. */
export function timeLeft() {
  const left = svg("rect", { class: "left", height: "100%" });
  const more = svg("rect", { class: "more-to-come", height: "100%" });
  const drawn = svg("svg", { class: "bar-track", role: "img", preserveAspectRatio: "none" }, more, left);
  const text = h("span", { class: "strong nowrap" });
  const end = h("span", { class: "sub nowrap" });
  const most = h("div", { class: "sub" });
  const element = h("div", null, h("div", { class: "line" }, text, end), drawn, most);
  const update = (lease, now) => {
    const seconds = Math.max(0, lease.expires_at - now);
    const life = Math.max(1, lease.max_expires_at - lease.created_at);
    const percent = (time, least = 0) => Math.min(100, Math.max(least, (100 * time) / life));
    const [width, rest] = [percent(seconds, LEAST), percent(lease.max_expires_at - Math.max(now, lease.expires_at))];
    left.setAttribute("width", `${width.toFixed(2)}%`);
    more.setAttribute("x", `${width.toFixed(2)}%`);
    more.setAttribute("width", `${rest.toFixed(2)}%`);
    const isWithin = ([share, time]) => seconds <= Math.min(time, share * (lease.expires_at - lease.created_at));
    drawn.setAttribute("class", `bar-track${isWithin(LAST) ? " last" : isWithin(SOON) ? " soon" : ""}`);
    text.textContent = seconds > 0 ? `ends in ${duration(seconds)}` : "is ending";
    end.textContent = clock(lease.expires_at, now);
    most.textContent = lease.renewable ? `can be renewed until ${clock(lease.max_expires_at, now)}` : "cannot be renewed";
    drawn.setAttribute("aria-label", `${duration(seconds)} left of ${duration(life)} at most`);
  };
  return { element, update };
}

/** How many of how many, drawn. */
export function meter(count, most) {
  const width = `${Math.min(100, (100 * count) / Math.max(1, most)).toFixed(2)}%`;
  return svg("svg", { class: `bar-track meter${count >= most ? " soon" : ""}`, "aria-hidden": "true" },
    svg("rect", { class: "left", height: "100%", width }));
}
