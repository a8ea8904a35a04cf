'use strict';

const { toError } = require('./config.cjs');
const { invalidArgument } = require('./errors.cjs');
const { warn } = require('./warning.cjs');

/** Listeners by event. Like an EventEmitter, except that a listener that throws does not stop the others. */
class Listeners {
  #all = new Map();

  get isEmpty() {
    return this.#all.size === 0;
  }

  add(name, listener, once) {
    if (typeof listener !== 'function') throw invalidArgument('on() takes the name of an event and a function.');
    const known = this.#all.get(name) ?? [];
    this.#all.set(name, [...known, { listener, once }]); // a new list: an emit() may be iterating over the old one
  }

  /** Removes the newest registration of that listener only, as an EventEmitter does. */
  remove(name, listener) {
    const known = this.#all.get(name) ?? [];
    const index = known.findLastIndex((entry) => entry.listener === listener);
    if (index >= 0) this.#keep(name, known.toSpliced(index, 1));
  }

  tell(name, event) {
    for (const entry of this.#all.get(name) ?? []) {
      if (entry.once) this.remove(name, entry.listener);
      call(entry.listener, event);
    }
  }

  #keep(name, entries) {
    if (entries.length > 0) this.#all.set(name, entries);
    else this.#all.delete(name);
  }
}

async function call(listener, event) {
  try {
    await listener(event);
  } catch (error) {
    warn('ENTRAKEY_LISTENER_FAILED', `A listener for the event "${event.name}" failed`, error);
  }
}

/** An event as hosts see it: keys without a value are left out. */
function toEvent({ error, ...parts }) {
  const told = Object.entries(parts).filter(([, value]) => value !== undefined && value !== null);
  return Object.freeze({ ...Object.fromEntries(told), ...(error ? { error: toError(error) } : {}) });
}

module.exports = { Listeners, toEvent };
