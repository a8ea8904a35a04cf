// The helper that starts the emulator for anybody's tests.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Emulator, EmulatorError } from 'entrakey/emulator';
import { Provider } from 'entrakey';
import './emulator.mjs';
import { runProgram, until } from './support.mjs';

const exists = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('it starts in two lines, is the environment of this process while it is used, and goes', async () => {
  process.env.AZURE_CLIENT_ID = 'of the shell';
  process.env.DEFAULT_IDENTITY_CLIENT_ID = 'of the shell';
  const emulator = await Emulator.start({ tokenLifetime: '20m' });
  await emulator.use('app_service');
  assert.equal(process.env.AZURE_CLIENT_ID, undefined);
  assert.equal(process.env.DEFAULT_IDENTITY_CLIENT_ID, undefined);
  assert.equal(process.env.IDENTITY_HEADER, (await emulator.env('app_service')).IDENTITY_HEADER);
  const provider = new Provider({ identity: 'managed_identity' });
  const token = await provider.getToken();
  provider.close();
  assert.equal(token.username, emulator.environment.ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID);
  assert.ok(token.expiresOn - Date.now() < 20 * 60_000);
  const { by_route: routes } = (await emulator.stats()).token_requests;
  assert.deepEqual(routes, { app_service: 1 });
  await emulator.use('imds');
  assert.equal(process.env.IDENTITY_HEADER, undefined);
  await emulator.stop();
  await emulator.stop();
  assert.equal(process.env.AZURE_CLIENT_ID, 'of the shell');
  delete process.env.AZURE_CLIENT_ID;
  delete process.env.DEFAULT_IDENTITY_CLIENT_ID;
  await assert.rejects(emulator.stats(), /does not answer/);
});

test('the control API answers, and refuses with its own words', async (t) => {
  const emulator = await Emulator.start();
  t.after(() => emulator.stop());
  const answers = [{ status: 500 }];
  assert.equal((await emulator.control('POST', '/emulator/faults', { route: 'imds', answers })).waiting.imds, 1);
  assert.equal(await emulator.control('DELETE', '/emulator/faults'), undefined);
  const unknown = emulator.control('POST', '/emulator/faults', { route: 'nowhere', answers });
  await assert.rejects(unknown, (error) => error instanceof EmulatorError && /400 .*nowhere/.test(error.message));
  await assert.rejects(emulator.env('mars'), /404 .*no environment 'mars'.*app_service/);
});

test('what it cannot do it says, and leaves nothing behind', async () => {
  await assert.rejects(Emulator.start({ tokenLifetime: 'soon' }), /did not start: .*soon/s);
  await assert.rejects(Emulator.start({ notAnOption: 3 }), /--not-an-option/);
  const { ENTRAKEY_BIN, PATH } = process.env;
  process.env.ENTRAKEY_BIN = '/nowhere/entrakey';
  await assert.rejects(Emulator.start(), /ENTRAKEY_BIN names '\/nowhere\/entrakey', which was not found: install the package entrakey-cli/);
  delete process.env.ENTRAKEY_BIN;
  process.env.PATH = '/nowhere';
  await assert.rejects(Emulator.start(), /`entrakey` was not found: install the package entrakey-cli, or build it with `cargo build/);
  Object.assign(process.env, { ENTRAKEY_BIN, PATH });
});

test('it does not keep a program alive, and ends with it', async () => {
  const program = `
    const { Emulator } = require('entrakey/emulator');
    Emulator.start().then((emulator) => console.log(emulator.environment.ENTRAKEY_EMULATOR_DIRECTORY));`;
  const { code, stdout, stderr } = await runProgram(program);
  assert.deepEqual([code, stderr], [0, '']);
  const pid = Number(/entrakey-emulator-(\d+)-/.exec(stdout)[1]);
  await until('the emulator has gone', () => !exists(pid));
});

test('a program of its own finds itself there, and both module systems have the same classes', async (t) => {
  const emulator = await Emulator.start();
  t.after(() => emulator.stop());
  const env = await emulator.processEnvironment('workload_identity', { MORE: 'yes' });
  const { stdout } = await promisify(execFile)('env', [], { env });
  assert.match(stdout, /^AZURE_FEDERATED_TOKEN_FILE=/m);
  assert.match(stdout, /^MORE=yes$/m);
  assert.doesNotMatch(stdout, /^AZURE_CLIENT_SECRET=/m);
  assert.equal(createRequire(import.meta.url)('entrakey/emulator').Emulator, Emulator);
});
