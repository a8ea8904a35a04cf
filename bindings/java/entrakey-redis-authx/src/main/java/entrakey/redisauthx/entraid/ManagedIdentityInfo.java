package entrakey.redisauthx.entraid;

/** Which managed identity. */
public final class ManagedIdentityInfo {
    /** How a user-assigned identity is named. */
    public enum UserManagedIdentityType {
        /** By its client id. */
        CLIENT_ID("client_id"),
        /** By its object (principal) id. */
        OBJECT_ID("object_id"),
        /** By its Azure resource id. */
        RESOURCE_ID("resource_id");

        private final String key;

        UserManagedIdentityType(String key) {
            this.key = key;
        }

        String key() {
            return key;
        }
    }

    private ManagedIdentityInfo() {}
}
