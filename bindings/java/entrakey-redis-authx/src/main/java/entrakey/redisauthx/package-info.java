/** Identity providers for redis-authx, with which Jedis and Lettuce authenticate. */
package entrakey.redisauthx;
