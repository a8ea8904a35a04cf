'use strict';

// The longest delay that a timer takes. When it is over, the timer is set again.
const LONGEST_MS = 2 ** 31 - 1;

let held = 0;
let timer;

/** Keeps the event loop alive until the returned function is called. */
function hold() {
  held += 1;
  timer ??= setInterval(() => {}, LONGEST_MS);
  let released = false;
  return () => {
    if (released) return;
    released = true;
    held -= 1;
    if (held > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

module.exports = { hold };
