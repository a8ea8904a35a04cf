import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const native = createRequire(import.meta.url)('../lib/native.cjs');

test('the types know every configuration key, and no other', () => {
  const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8');
  const [, body] = types.match(/interface ProviderOptions extends ProviderCallbacks \{([^]*?)\n\}/);
  const typed = [...body.matchAll(/^  (\w+)\?:/gm)].map(([, name]) => name);
  const camel = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  assert.deepEqual(typed.toSorted?.() ?? typed.sort(), native.configurationKeys().map(camel).sort());
});
