/** Spring Boot 3: what it has in other packages than Spring Boot 4. */
package entrakey.spring.boot3;
