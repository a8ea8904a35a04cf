//! App Service, Functions, Container Apps.
//!
//! <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>. The texts
//! of refusals and the status of a wrong header are from reports of users, not from documentation.

use super::super::exchange::InExchange;
use super::contract::Contract;
use super::{Answer, Names, Parameters, header};
use crate::hosting::HostingSecrets;
use crate::tenant::Tenant;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use std::sync::Arc;

const VERSION: &str = "2019-08-01";
const NAMES: Names =
    Names { client: &["client_id"], object: &["object_id", "principal_id"], resource: &["mi_res_id"] };

pub(in crate::http) async fn token(
    State(tenant): State<Arc<Tenant>>,
    State(hosting): State<Arc<HostingSecrets>>,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let secret = header(&headers, "x-identity-header");
    let contract = Contract { version: VERSION, names: NAMES, endpoint: "app_service", as_user: false };
    contract.answer(&tenant, &exchange, secret == hosting.app_service, &parameters)
}
