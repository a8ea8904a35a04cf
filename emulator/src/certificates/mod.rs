//! Certificates: the servers' own, and those by which applications prove their identity.

mod authority;
mod client;
mod fabric;
mod files;
mod generated;

pub(crate) use authority::Authority;
pub(crate) use client::ClientCertificate;
pub(crate) use fabric::Fabric;
pub(crate) use files::CertificateFiles;
pub(crate) use generated::GeneratedCertificate;
