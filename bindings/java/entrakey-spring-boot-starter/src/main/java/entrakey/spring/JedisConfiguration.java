package entrakey.spring;

import entrakey.Provider;
import entrakey.jedis.JedisAuthentication;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;
import org.springframework.boot.data.redis.autoconfigure.JedisClientConfigurationBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import redis.clients.jedis.Jedis;

/** Spring Data Redis on Jedis. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({Jedis.class, JedisAuthentication.class, JedisClientConfigurationBuilderCustomizer.class})
class JedisConfiguration {
    /** Made only if Spring makes a client of Jedis's. */
    @Bean(destroyMethod = "close")
    @Lazy
    JedisAuthentication entrakeyJedisAuthentication(Provider provider) {
        return JedisAuthentication.of(provider);
    }

    @Bean
    JedisClientConfigurationBuilderCustomizer entrakeyJedisCredentials(
            ObjectProvider<JedisAuthentication> authentication,
            RedisChecks checks,
            ObjectProvider<DataRedisConnectionDetails> details) {
        return builder -> {
            details.ifAvailable(known -> checks.check(known, builder.build().isUseSsl()));
            // RESP3: Jedis refuses to subscribe with a token otherwise.
            builder.customize(config -> config.resp3().authXManager(authentication.getObject().authXManager()));
        };
    }
}
