/** Redisson: single servers, clusters, topics. */
package entrakey.redisson;
