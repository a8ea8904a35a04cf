// Gets a token by every library that knows the environment it finds itself in: tokens.mjs ENVIRONMENT
// Prints JSON: by library, the token or why there is none.
import { LIBRARIES } from './libraries.mjs';

const answers = Object.entries(LIBRARIES[process.argv[2]]).map(async ([library, get]) => {
  try {
    return [library, { token: await get() }];
  } catch (error) {
    return [library, { error: error.stack }];
  }
});
console.log(JSON.stringify(Object.fromEntries(await Promise.all(answers))));
process.exit(); // @redis/entraid's timer is not unref'ed
