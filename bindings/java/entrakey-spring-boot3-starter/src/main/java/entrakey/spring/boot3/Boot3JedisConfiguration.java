package entrakey.spring.boot3;

import entrakey.spring.RedisChecks;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.data.redis.JedisClientConfigurationBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import redis.clients.jedis.Jedis;

/** Spring Data Redis on Jedis is refused at start-up. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({Jedis.class, JedisClientConfigurationBuilderCustomizer.class})
class Boot3JedisConfiguration {
    @Bean
    JedisClientConfigurationBuilderCustomizer entrakeyRefusesJedis() {
        return builder -> {
            throw RedisChecks.refuseJedis();
        };
    }
}
