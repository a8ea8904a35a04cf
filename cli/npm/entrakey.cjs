#!/usr/bin/env node
'use strict';

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

function run(command, given) {
  if (process.execve) {
    // From 22.15 on: this process becomes the command, and nothing stands between that and whoever called it.
    process.removeAllListeners('warning'); // that it is an experiment is no news for the user
    process.execve(command, [command, ...given], process.env);
  }
  const child = spawn(command, given, { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {}); // a terminal sends it to both
  child.on('error', (error) => fail(error));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(error) {
  console.error(`entrakey: ${error.message}`);
  process.exit(1);
}

try {
  run(require('./index.cjs').command, process.argv.slice(2));
} catch (error) {
  fail(error);
}
