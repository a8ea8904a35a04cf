/** Jedis: pools, clusters, Sentinel, several databases, subscribers with RESP3. */
package entrakey.jedis;
