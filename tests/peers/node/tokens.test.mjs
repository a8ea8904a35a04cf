// msal-node, @azure/identity and @redis/entraid get a token in each of the emulator's environments.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createClient } from '@redis/client';
import { Emulator } from 'entrakey/emulator';
import { LIBRARIES } from './libraries.mjs';
import { IDENTITIES, redisOptions, run } from './support.mjs';

const emulator = await Emulator.start({ identities: IDENTITIES });
after(() => emulator.stop());

/** Whose token is expected: a library's own way first, then the environment's. */
const OWNERS = {
  user: 'USER_ASSIGNED',
  cloud_shell: 'USER',
  client_secret: 'SECRET_APP',
  client_certificate: 'CERTIFICATE_APP',
  workload_identity: 'FEDERATED_APP',
  azure_pipelines: 'FEDERATED_APP',
};

function owner(environment, library) {
  const way = library.split(', ')[1];
  const name = OWNERS[environment] ?? OWNERS[way] ?? 'SYSTEM';
  return emulator.environment[`ENTRAKEY_EMULATOR_${name}_OBJECT_ID`];
}

for (const [environment, libraries] of Object.entries(LIBRARIES)) {
  describe(environment, { concurrency: true }, () => {
    // Node.js reads the file of a test's own authority when it starts: a process for each environment.
    const more = { NODE_EXTRA_CA_CERTS: emulator.environment.REDIS_CA_FILE };
    // msal-node does not look at the thumbprint of Service Fabric's certificate: its users have to let any pass.
    if (environment === 'service_fabric') more.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const ended = emulator
      .processEnvironment(environment, more)
      .then((env) => run(['tokens.mjs', environment], { env }));

    for (const library of Object.keys(libraries)) {
      test(library, async () => {
        const { stdout, stderr } = await ended;
        const { token, error } = JSON.parse(stdout || '{}')[library] ?? { error: stderr };
        assert.equal(error, undefined);
        // Its use shows whose it is: an object id is accepted with a token of that identity only.
        const credentials = { username: owner(environment, library), password: token };
        const client = createClient({ ...redisOptions(emulator.environment), ...credentials });
        await client.connect();
        assert.equal(await client.ping(), 'PONG');
        client.destroy();
      });
    }

    test('nothing left loopback', async () => {
      const { code, stderr } = await ended;
      assert.equal(code, 0, stderr);
    });
  });
}
