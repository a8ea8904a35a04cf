'use strict';

module.exports = {
  ...require('./lib/redis-entraid/constants.cjs'),
  ...require('./lib/redis-entraid/factory.cjs'),
  ...require('./lib/redis-entraid/mappers.cjs'),
  ...require('./lib/redis-entraid/msal-identity-provider.cjs'),
  ...require('./lib/redis-entraid/provider.cjs'),
};
