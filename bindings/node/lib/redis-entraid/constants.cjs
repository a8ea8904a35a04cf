'use strict';

const REDIS_SCOPE_DEFAULT = 'https://redis.azure.com/.default';
const REDIS_SCOPE = 'https://redis.azure.com';

/**
 * The defaults of @redis/entraid 6.1. Only the delays of its retry settings have an effect: tries are not limited here.
 */
const DEFAULT_RETRY_POLICY = {
  isRetryable: (error) => error?.retriable === true,
  maxAttempts: 10,
  initialDelayMs: 100,
  maxDelayMs: 100000,
  backoffMultiplier: 2,
  jitterPercentage: 0.1,
};

const DEFAULT_TOKEN_MANAGER_CONFIG = { retry: DEFAULT_RETRY_POLICY, expirationRefreshRatio: 0.7 };

module.exports = { DEFAULT_RETRY_POLICY, DEFAULT_TOKEN_MANAGER_CONFIG, REDIS_SCOPE, REDIS_SCOPE_DEFAULT };
