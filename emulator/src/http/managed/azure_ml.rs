//! Azure Machine Learning: App Service's older contract, with `clientid` as the only choice. This is a compute
//! instance: a request that names no identity gets the token of its user, and `DEFAULT_IDENTITY_CLIENT_ID` names its own
//! identity.
//!
//! From the sources of MSAL for Python (`managed_identity.py`) and for Node.js (`MachineLearning.ts`).

use super::super::exchange::InExchange;
use super::contract::Contract;
use super::{Answer, Names, Parameters, header};
use crate::hosting::HostingSecrets;
use crate::tenant::Tenant;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use std::sync::Arc;

const VERSION: &str = "2017-09-01";
const NAMES: Names = Names { client: &["clientid"], object: &[], resource: &[] };

pub(in crate::http) async fn token(
    State(tenant): State<Arc<Tenant>>,
    State(hosting): State<Arc<HostingSecrets>>,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let contract = Contract { version: VERSION, names: NAMES, endpoint: "azure_ml", as_user: true };
    let admitted = header(&headers, "secret") == hosting.azure_ml;
    contract.answer(&tenant, &exchange, admitted, &parameters)
}
