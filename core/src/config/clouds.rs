//! Microsoft's clouds, and Entra's address in each.
//!
//! <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>

/// What the key `cloud` takes.
pub(super) const CLOUDS: &[&str] = &["public", "china", "us_government"];

/// Entra's address in that cloud.
pub(super) fn authority(cloud: &str) -> Option<&'static str> {
    Some(match cloud {
        "public" => "https://login.microsoftonline.com",
        "china" => "https://login.partner.microsoftonline.cn",
        "us_government" => "https://login.microsoftonline.us",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_an_address() {
        assert!(CLOUDS.iter().all(|cloud| authority(cloud).is_some_and(|url| url.starts_with("https://"))));
    }
}
