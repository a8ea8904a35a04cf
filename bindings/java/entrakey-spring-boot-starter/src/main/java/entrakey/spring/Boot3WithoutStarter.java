package entrakey.spring;

import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.context.annotation.Configuration;

/** Spring Boot 3 without what it needs: its Redis would get no tokens, and say NOAUTH at the first command. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(name = "org.springframework.boot.autoconfigure.data.redis.RedisAutoConfiguration")
@ConditionalOnMissingClass("entrakey.spring.boot3.Boot3AutoConfiguration")
class Boot3WithoutStarter {
    Boot3WithoutStarter() {
        throw new EntrakeyException(
                ErrorKind.INVALID_CONFIG,
                "This is Spring Boot 3, and entrakey-spring-boot-starter is for Spring Boot 4: add entrakey-spring-boot3-starter.",
                null);
    }
}
