//! What a client that speaks TLS with rustls needs for it, the same for all of them.

use crate::entry::{self, Secrecy};
use crate::identity::LOCK;
use crate::{ClientPlan, Identity, Outcome, Session};
use anyhow::{Context, Result, anyhow};
use clap::Parser;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::process::ExitCode;
use std::sync::Arc;

/// How to speak to the server under TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Believes the certificate of the plan, and no other. The defaults of rustls
    /// otherwise, with its *ring* provider.
    pub config: Arc<ClientConfig>,
    /// Who the server has to be: the address of the plan's URL.
    pub name: ServerName<'static>,
}

/// As [`crate::main`], for a client that asks each session for its [`Session::tls`].
pub fn main_with_tls<A: Parser>(
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> ExitCode {
    entry::start(LOCK, Secrecy::Spoken, identify, run)
}

impl Session {
    /// What TLS needs, where the plan asks for it; `None`: this is a plain connection.
    ///
    /// # Errors
    /// When the plan's `ca` cannot be used.
    pub fn tls(&self) -> Result<Option<Tls>> {
        let Some(ca) = &self.plan.ca else { return Ok(None) };
        let certificate = CertificateDer::from_pem_file(ca)
            .map_err(|error| anyhow!("{error}"))
            .context("plan: ca cannot be read")?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).context("plan: ca")?;
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Some(Tls { config: Arc::new(config), name: self.address.ip().into() }))
    }
}
