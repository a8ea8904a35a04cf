#!/usr/bin/env node
'use strict';

const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { constants } = require('node:os');

const PASSED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];
const OF_TERMINALS = ['SIGINT', 'SIGQUIT'];

function run(command, given) {
  if (process.execve) {
    // From 22.15 on: this process becomes the command, and nothing stands between that and whoever called it.
    process.removeAllListeners('warning'); // that it is an experiment is no news for the user
    process.execve(command, [command, ...given], process.env);
  }
  const child = spawn(command, given, { stdio: 'inherit' });
  for (const signal of PASSED) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both. Node.js does not say who has sent a signal.
      if (!OF_TERMINALS.includes(signal) || !isInForeground()) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(error));
  child.on('exit', (code, signal) => end(code, signal));
}

// Whether this process is in the foreground of a terminal.
function isInForeground() {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , , ofTerminal] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === ofTerminal;
  } catch {
    return Boolean(process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY); // macOS
  }
}

// As the command has ended: by a signal, if that has killed it.
function end(code, signal) {
  process.exitCode = code ?? 128 + constants.signals[signal]; // the latter if the signal is ignored here
  if (signal === null) process.exit();
  for (const each of PASSED) process.removeAllListeners(each);
  process.kill(process.pid, signal);
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
