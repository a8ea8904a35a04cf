// A BullMQ queue and its worker. The connections are instances: options would be copied, and their token with them.
import { readFileSync } from 'node:fs';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Provider } from 'entrakey';
import { attach } from 'entrakey/ioredis';
import { Redis } from 'ioredis';

const { REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: ca } = process.env;
const provider = new Provider();
const tls = ca ? { ca: readFileSync(ca) } : {};
const connection = attach(new Redis({ host, port: Number(port), tls, maxRetriesPerRequest: null }), provider);

// A worker that waits for jobs blocks for `drainDelay` seconds (5 by default), QueueEvents for `blockingTimeout`
// (10,000 ms): a connection re-authenticates in between, so both have to stay below three minutes.
const worker = new Worker('mail', async (job) => `sent to ${job.data.to}`, { connection, drainDelay: 1 });
const events = new QueueEvents('mail', { connection, blockingTimeout: 1000 });
const queue = new Queue('mail', { connection });
for (const each of [worker, events, queue]) each.on('error', (error) => console.error(error.message));
await events.waitUntilReady();

const jobs = Number(process.argv[2] ?? 1);
for (let number = 0; number < jobs; number++) {
  const job = await queue.add('welcome', { to: `user${number}@example.com` });
  console.log(await job.waitUntilFinished(events, 30_000));
  await new Promise((resolve) => setTimeout(resolve, Number(process.argv[3] ?? 0)));
}
await Promise.all([worker.close(), events.close(), queue.close()]);
connection.disconnect();
