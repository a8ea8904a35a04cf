// Times as people read them. All of them are seconds.

const MINUTE = 60, HOUR = 3600, DAY = 86400;

/** `42 min`, `2 h 5 min`, `3 d 4 h`: rounded to what is said last. */
export function duration(seconds) {
  if (seconds < 2 * MINUTE) return `${Math.max(0, Math.round(seconds))} s`;
  const unit = seconds < 2 * DAY ? MINUTE : HOUR;
  const whole = Math.round(seconds / unit) * unit;
  if (whole < HOUR) return `${whole / MINUTE} min`;
  const [big, small, one, two] = whole < 2 * DAY ? [HOUR, MINUTE, "h", "min"] : [DAY, HOUR, "d", "h"];
  const rest = Math.floor((whole % big) / small);
  return rest ? `${Math.floor(whole / big)} ${one} ${rest} ${two}` : `${Math.floor(whole / big)} ${one}`;
}

/** The time of day; with the day if it is another one. */
export function clock(at, now) {
  const date = new Date(at * 1000);
  const sameDay = date.toDateString() === new Date(now * 1000).toDateString();
  const near = Math.abs(at - now) < 6 * DAY;
  const day = sameDay ? {} : near ? { weekday: "short" } : { day: "numeric", month: "short", year: "numeric" };
  return new Intl.DateTimeFormat(undefined, { ...day, hour: "2-digit", minute: "2-digit" }).format(date);
}

/** To the second, for what is looked up later. */
export function exact(at) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(at * 1000));
}

export function ago(at, now) {
  const past = now - at;
  return past < 10 ? "just now" : past < DAY ? `${duration(past)} ago` : clock(at, now);
}

/** Seconds of `1h30m`, `45m`, `1d` or `3600`; undefined if it is no time. */
export function parse(text) {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+$/.test(trimmed)) return Number(trimmed) || undefined;
  const units = { d: DAY, h: HOUR, m: MINUTE, min: MINUTE, s: 1 };
  const parts = [...trimmed.matchAll(/(\d+)\s*(d|h|min|m|s)\s*/g)];
  if (!parts.length || parts.map((part) => part[0]).join("") !== trimmed) return undefined;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit], 0) || undefined;
}
