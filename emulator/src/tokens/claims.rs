//! The claims of a token. <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>

use crate::identities::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, Serialize, Deserialize)]
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

impl Claims {
    /// Changes whose token it is, or lets it not say so.
    pub(super) fn set_object_id(&mut self, object_id: Option<&str>) {
        self.oid = object_id.map(str::to_owned);
        object_id.into_iter().for_each(|id| id.clone_into(&mut self.sub));
    }
}

/// By what a client proved its identity, as the claim `appidacr` says it: "0" none, "1" a secret, "2" a certificate.
pub(crate) type Proof = &'static str;
pub(crate) const NONE: Proof = "0";
pub(crate) const SECRET: Proof = "1";
pub(crate) const CERTIFICATE: Proof = "2";

/// The issuer of a token, the time, and the lifetime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuance<'a> {
    /// Entra's address.
    pub(crate) authority: &'a str,
    pub(crate) tenant_id: &'a str,
    /// Since the Unix epoch.
    pub(crate) now: Duration,
    pub(crate) lifetime: Duration,
}

impl Issuance<'_> {
    /// A token that IMDS hands out: v1 issuer, the resource as audience.
    pub(crate) fn for_managed_identity(&self, identity: &Identity, resource: &str) -> Claims {
        self.claims(identity, resource, "1.0", CERTIFICATE)
    }

    /// The signed-in user's token, as Cloud Shell hands it out.
    pub(crate) fn for_user(&self, identity: &Identity, resource: &str) -> Claims {
        Claims { idtyp: "user".to_owned(), ..self.claims(identity, resource, "1.0", CERTIFICATE) }
    }

    /// A token of the v2.0 token endpoint.
    pub(crate) fn for_application(&self, identity: &Identity, audience: &str, proof: Proof) -> Claims {
        self.claims(identity, audience, "2.0", proof)
    }

    /// The token of a user who signed in to an application at the v2.0 token endpoint.
    pub(crate) fn for_user_of(
        &self,
        user: &Identity,
        client_id: &str,
        audience: &str,
        proof: Proof,
    ) -> Claims {
        let claims = self.claims(user, audience, "2.0", proof);
        let client_id = client_id.to_owned();
        Claims { idtyp: "user".to_owned(), azp: client_id.clone(), appid: client_id, ..claims }
    }

    fn claims(&self, identity: &Identity, audience: &str, version: &str, proof: Proof) -> Claims {
        let now = self.now.as_secs();
        let suffix = if version == "2.0" { "v2.0" } else { "" };
        let issuer = format!("{}/{}/{suffix}", self.authority, self.tenant_id);
        Claims {
            aud: audience.to_owned(),
            idp: issuer.clone(),
            iss: issuer,
            iat: now,
            nbf: now,
            exp: now.saturating_add(self.lifetime.as_secs()),
            oid: identity.has_oid.then(|| identity.object_id.clone()),
            sub: identity.object_id.clone(),
            tid: self.tenant_id.to_owned(),
            appid: identity.client_id.clone(),
            azp: identity.client_id.clone(),
            appidacr: proof.to_owned(),
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
}

pub(super) fn random(bytes: usize) -> String {
    let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(bytes).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}
