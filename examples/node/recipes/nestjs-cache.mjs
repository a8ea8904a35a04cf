// NestJS with its cache in Redis. (In TypeScript the functions below are decorators.)
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import KeyvRedis, { createClient } from '@keyv/redis';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Provider } from 'entrakey';
import { clientOptions } from 'entrakey/node-redis';

const { REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: ca, PORT = 3000 } = process.env;
const provider = new Provider();
const socket = { host, port: Number(port), tls: true, ...(ca && { ca: readFileSync(ca) }) };

class VisitsController {
  constructor(cache) {
    this.cache = cache;
  }

  async visits() {
    const visits = ((await this.cache.get('visits')) ?? 0) + 1;
    await this.cache.set('visits', visits);
    return { visits };
  }
}
Inject(CACHE_MANAGER)(VisitsController, undefined, 0);
Get()(VisitsController.prototype, 'visits', Object.getOwnPropertyDescriptor(VisitsController.prototype, 'visits'));
Controller()(VisitsController);

class AppModule {}
Module({
  imports: [
    CacheModule.registerAsync({
      // A client, not its options: KeyvRedis would keep a copy of those for each reconnect.
      useFactory: () => ({ stores: [new KeyvRedis(createClient(clientOptions({ socket }, provider)))] }),
    }),
  ],
  controllers: [VisitsController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(Number(PORT), '127.0.0.1');
console.log(`${await app.getUrl()}/`);
