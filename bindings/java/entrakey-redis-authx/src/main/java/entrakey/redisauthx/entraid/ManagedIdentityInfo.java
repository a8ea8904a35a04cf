package entrakey.redisauthx.entraid;

import com.microsoft.aad.msal4j.ManagedIdentityId;
import java.util.function.BiConsumer;

/** Which managed identity. */
public class ManagedIdentityInfo {
    /** Who assigned it. */
    public enum IdentityType {
        /** Azure, to one machine. */
        SYSTEM_ASSIGNED,
        /** A user, to any number of machines. */
        USER_ASSIGNED
    }

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
    }

    private final UserManagedIdentityType type;
    private final String id;

    /** The machine's own identity. */
    public ManagedIdentityInfo() {
        this(null, null);
    }

    /**
     * An identity that is attached to the machine.
     *
     * @param type how it is named
     * @param id its name
     */
    public ManagedIdentityInfo(UserManagedIdentityType type, String id) {
        this.type = type;
        this.id = id;
    }

    /** {@return the same for msal4j, which the program must have} */
    public ManagedIdentityId getId() {
        if (type == null) {
            return ManagedIdentityId.systemAssigned();
        }
        switch (type) {
            case CLIENT_ID:
                return ManagedIdentityId.userAssignedClientId(id);
            case OBJECT_ID:
                return ManagedIdentityId.userAssignedObjectId(id);
            default:
                return ManagedIdentityId.userAssignedResourceId(id);
        }
    }

    /** Gives the key and its value, if it is user-assigned. */
    void userAssigned(BiConsumer<String, String> key) {
        if (type != null) {
            key.accept(type.key, id);
        }
    }
}
