/** Lettuce: single servers, clusters, subscribers with RESP3; what Spring Data Redis runs on. */
package entrakey.lettuce;
