package entrakey.spring;

import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.data.redis.autoconfigure.JedisClientConfigurationBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import redis.clients.jedis.Jedis;

/**
 * Spring Data Redis on Jedis is refused at start-up: it makes pools of its own, which never authenticate again. With Jedis's own way of
 * doing so (Spring Data Redis 4.0.6, Jedis 7.0.0) subscribers ended with their token, and idle connections failed.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({Jedis.class, JedisClientConfigurationBuilderCustomizer.class})
class JedisConfiguration {
    @Bean
    JedisClientConfigurationBuilderCustomizer entrakeyRefusesJedis() {
        return builder -> {
            throw RedisChecks.refuseJedis();
        };
    }
}
