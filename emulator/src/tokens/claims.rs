//! What a token says.

use crate::identities::Identity;
use crate::random;
use serde::Serialize;
use std::ops::Range;

/// The claims of an app-only token, with the names and about the size of real ones.
#[derive(Serialize)]
pub(crate) struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    iat: u64,
    nbf: u64,
    exp: u64,
    aio: String,
    appid: &'a str,
    azp: &'a str,
    idtyp: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    oid: Option<&'a str>,
    rh: String,
    sub: &'a str,
    tid: &'a str,
    uti: String,
    ver: &'static str,
    xms_ftd: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_mirid: Option<&'a str>,
}

impl<'a> Claims<'a> {
    pub(crate) fn new(
        identity: &'a Identity,
        issuer: &'a str,
        tenant_id: &'a str,
        audience: &'a str,
        valid: Range<u64>,
    ) -> Self {
        Self {
            aud: audience,
            iss: issuer,
            iat: valid.start,
            nbf: valid.start,
            exp: valid.end,
            aio: random::base64url(63),
            appid: &identity.client_id,
            azp: &identity.client_id,
            idtyp: "app",
            oid: identity.has_oid_claim.then_some(&identity.object_id),
            rh: format!("1.{}.", random::base64url(72)),
            sub: &identity.object_id,
            tid: tenant_id,
            uti: random::base64url(16),
            ver: "2.0",
            xms_ftd: random::base64url(96),
            xms_mirid: identity.resource_id.as_deref(),
        }
    }
}
