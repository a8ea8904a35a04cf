/**
 * Microsoft Entra access tokens for Redis clients, fetched and kept fresh by a native library.
 *
 * <p>Do not relocate this package in a shaded jar: the native library looks for its classes by their names.
 */
package entrakey;
