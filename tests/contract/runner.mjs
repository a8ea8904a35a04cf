// One provider from `key value ...` on the command line, one call of getToken: what a Node program sees of it.
import { inspect } from 'node:util';
import { EntrakeyError, Provider } from '../../bindings/node/index.mjs';

/** What a callback of the host's does: a text that begins with ! is why it fails. */
const supplier = (supplied) => async () => {
  if (supplied.startsWith('!')) throw new Error(supplied.slice(1));
  return supplied;
};

const words = process.argv.slice(2);
const options = {};
for (let at = 0; at < words.length; at += 2) {
  const name = words[at].replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  options[name] = name.endsWith('Callback') ? supplier(words[at + 1]) : words[at + 1];
}
try {
  const provider = new Provider(options);
  const token = await provider.getToken();
  console.log(`username: ${token.username}\nversion: ${token.version}\nshown: ${inspect(provider)} ${inspect(token)}`);
  provider.close();
} catch (error) {
  if (!(error instanceof EntrakeyError)) throw error;
  console.log(`error: ${error.code}\nretriable: ${error.retriable}\naadsts: ${error.aadsts ?? 0}`);
  console.log(`message: ${error.message}\nshown: ${inspect(error)}`);
}
