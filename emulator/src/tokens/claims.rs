//! The claims of a token. <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>

use crate::identities::{Identity, Kind, TENANT_ID};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) aud: String,
    pub(crate) iss: String,
    pub(crate) iat: u64,
    pub(crate) nbf: u64,
    pub(crate) exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oid: Option<String>,
    sub: String,
    tid: String,
    appid: String,
    azp: String,
    appidacr: String,
    idp: String,
    idtyp: String,
    uti: String,
    ver: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_mirid: Option<String>,
    // Opaque in real tokens too; they give ours the size of those, about 1.4 KB.
    aio: String,
    rh: String,
    xms_ftd: String,
    xms_idrel: String,
}

/// A token that IMDS hands out: v1 issuer, the resource as audience.
pub(crate) fn for_managed_identity(world: &World, identity: &Identity, resource: &str) -> Claims {
    make(world, identity, resource, "1.0", format!("{}/{TENANT_ID}/", world.authority))
}

/// A token of the v2.0 token endpoint.
pub(crate) fn for_application(world: &World, identity: &Identity, audience: &str) -> Claims {
    make(world, identity, audience, "2.0", format!("{}/{TENANT_ID}/v2.0", world.authority))
}

fn make(world: &World, identity: &Identity, audience: &str, version: &str, issuer: String) -> Claims {
    let now = world.now().as_secs();
    Claims {
        aud: audience.to_owned(),
        idp: issuer.clone(),
        iss: issuer,
        iat: now,
        nbf: now,
        exp: now + world.token_lifetime.as_secs(),
        oid: identity.has_oid.then(|| identity.object_id.to_owned()),
        sub: identity.object_id.to_owned(),
        tid: TENANT_ID.to_owned(),
        appid: identity.client_id.to_owned(),
        azp: identity.client_id.to_owned(),
        appidacr: if matches!(identity.kind, Kind::Application { .. }) { "1" } else { "2" }.to_owned(),
        idtyp: "app".to_owned(),
        uti: random(16),
        ver: version.to_owned(),
        xms_mirid: identity.resource_id().map(str::to_owned),
        aio: random(64),
        rh: random(40),
        xms_ftd: random(48),
        xms_idrel: "7 16".to_owned(),
    }
}

fn random(bytes: usize) -> String {
    let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(bytes).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}
