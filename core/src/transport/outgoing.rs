//! A request that this library writes itself.

use azure_core::http::Url;
use ureq::http;
use ureq::http::request::Builder as RequestBuilder;
use zeroize::Zeroizing;

/// A request that this library writes itself.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, Zeroizing<String>)>,
    /// The body of a POST, `application/x-www-form-urlencoded`; none for a GET.
    pub(crate) form: Option<String>,
}

impl Outgoing {
    pub(super) fn builder(&self) -> RequestBuilder {
        let mut builder = match self.form {
            None => http::Request::get(self.url.as_str()),
            Some(_) => http::Request::post(self.url.as_str())
                .header("Content-Type", "application/x-www-form-urlencoded"),
        };
        for (name, value) in &self.headers {
            builder = builder.header(*name, value.as_str());
        }
        builder
    }

    pub(super) fn body(&self) -> &[u8] {
        self.form.as_deref().unwrap_or_default().as_bytes()
    }
}
