// Fastify with ioredis, and the provider's metrics for Prometheus.
import { readFileSync } from 'node:fs';
import fastifyRedis from '@fastify/redis';
import { METRICS_CONTENT_TYPE, Provider } from 'entrakey';
import { attach } from 'entrakey/ioredis';
import Fastify from 'fastify';
import { Redis } from 'ioredis';

const { REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: ca, PORT = 3000 } = process.env;
const provider = new Provider({ name: 'cache' });
const tls = ca ? { ca: readFileSync(ca) } : {};
const client = attach(new Redis({ host, port: Number(port), tls }), provider);

const app = Fastify();
app.register(fastifyRedis, { client, closeClient: true });
app.get('/', async () => ({ visits: await app.redis.incr('fastify:visits') }));
app.get('/metrics', async (_request, reply) => reply.type(METRICS_CONTENT_TYPE).send(provider.metrics()));
app.addHook('onClose', async () => provider.close());
console.log(`${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}/`);
