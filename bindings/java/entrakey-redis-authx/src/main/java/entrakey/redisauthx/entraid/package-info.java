/**
 * The API of redis-authx-entraid, on entrakey: changing the import of {@code redis.clients.authentication.entraid} is the migration.
 *
 * <p>What its settings of time-outs and retries would break is raised to our defaults, with one warning.
 */
package entrakey.redisauthx.entraid;
