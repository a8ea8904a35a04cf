//! The description of the control API.

use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use std::sync::Arc;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

/// The description without its operations.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("entrakey emulator: control")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "What has happened on a running emulator, and what is to happen. JSON both ways; a body that cannot be \
             carried out is refused whole, with a sentence in `error`. `entrakey control` does the same from a shell.",
        ));
    OpenApiBuilder::new().info(info.build()).build()
}

/// This description
#[utoipa::path(get, path = "/emulator/openapi.json", tag = "about", responses(
    (status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
pub(super) async fn openapi(Extension(description): Extension<Arc<OpenApi>>) -> Response {
    Json(description.as_ref()).into_response()
}

#[cfg(test)]
mod tests {
    use crate::http::control::routes;

    #[test]
    fn every_operation_says_in_a_line_what_it_does_and_what_comes_back() {
        let document = serde_json::to_value(routes().into_openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.len() >= 14, "{}", paths.len());
        for operation in paths.values().flat_map(|path| path.as_object().unwrap().values()) {
            let summary = operation["summary"].as_str().unwrap();
            assert!(!summary.is_empty() && !summary.contains('\n') && summary.len() < 80, "{summary}");
            assert!(
                operation["operationId"].is_string()
                    && !operation["responses"].as_object().unwrap().is_empty()
            );
        }
    }
}
