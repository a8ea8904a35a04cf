/** Spring Boot: a provider from {@code entrakey.*}, and Spring Data Redis on it. */
package entrakey.spring;
