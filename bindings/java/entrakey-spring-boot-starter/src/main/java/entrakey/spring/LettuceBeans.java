package entrakey.spring;

import entrakey.Provider;
import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.RedisClient;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/** What Spring Data Redis on Lettuce needs of us, whatever Spring Boot makes it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({RedisClient.class, LettuceConnectionFactory.class})
class LettuceBeans {
    @Bean(destroyMethod = "close")
    LettuceAuthentication entrakeyLettuceAuthentication(Provider provider) {
        return LettuceAuthentication.of(provider);
    }

    @Bean
    LettuceCredentials entrakeyLettuceCredentials(LettuceAuthentication authentication, Environment environment) {
        boolean plaintextAllowed = environment.getProperty("entrakey.allow-plaintext", Boolean.class, false);
        return new LettuceCredentials(authentication, new RedisChecks(plaintextAllowed));
    }

    @Bean
    static LettuceObservation entrakeyLettuceObservation(ObjectProvider<LettuceAuthentication> authentication) {
        return new LettuceObservation(authentication);
    }
}
