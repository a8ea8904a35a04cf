// Express with its sessions in Redis.
import { readFileSync } from 'node:fs';
import { RedisStore } from 'connect-redis';
import { Provider } from 'entrakey';
import { clientOptions } from 'entrakey/node-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';

const { REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: ca, PORT = 3000 } = process.env;
const provider = new Provider(); // how to authenticate comes from the environment
const socket = { host, port: Number(port), tls: true, ...(ca && { ca: readFileSync(ca) }) };
const client = createClient(clientOptions({ socket }, provider));
client.on('error', (error) => console.error(error.message));
await client.connect();

const app = express();
app.use(
  session({
    store: new RedisStore({ client, prefix: 'session:' }),
    secret: process.env.SESSION_SECRET ?? 'for development only',
    resave: false,
    saveUninitialized: false,
  }),
);
app.get('/', (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1;
  response.json({ visits: request.session.visits });
});
app.get('/ready', async (_request, response) => {
  await provider.ready({ timeoutMs: 2000 }); // Express answers 500 if it rejects
  response.json(provider.status());
});
const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
