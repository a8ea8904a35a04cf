package examples;

import entrakey.Provider;
import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.internal.HostAndPort;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DnsResolvers;
import io.lettuce.core.resource.MappingSocketAddressResolver;

/** Lettuce, Azure Managed Redis with the OSS cluster policy: its nodes announce addresses that their certificate does not name. */
public final class LettuceCluster {
    private LettuceCluster() {}

    public static void main(String[] arguments) {
        SslOptions.Builder ssl = SslOptions.builder().jdkSslProvider();
        if (Surroundings.CA_FILE != null) {
            ssl.trustManager(Surroundings.CA_FILE);
        }
        // Every node is reached by the host that was typed, at the port that it announces.
        ClientResources resources = ClientResources.builder()
                .socketAddressResolver(MappingSocketAddressResolver.create(
                        DnsResolvers.UNRESOLVED, node -> HostAndPort.of(Surroundings.HOST, node.getPort())))
                .build();
        try (Provider provider = Provider.fromEnvironment();
                LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            RedisURI uri = RedisURI.builder().withHost(Surroundings.HOST).withPort(Surroundings.PORT).withSsl(true).build();
            RedisClusterClient client = RedisClusterClient.create(resources, authentication.configure(uri));
            client.setOptions(authentication.configure(ClusterClientOptions.builder()
                    .sslOptions(ssl.build())
                    .validateClusterNodeMembership(false)
                    .topologyRefreshOptions(ClusterTopologyRefreshOptions.builder()
                            .dynamicRefreshSources(false) // ask the address that was typed, not those that are announced
                            .enablePeriodicRefresh()
                            .build())
                    .build()));
            authentication.observe(client);
            System.out.println("Lettuce, cluster: " + client.connect().sync().ping());
            client.shutdown();
            resources.shutdown();
        }
    }
}
