//! TLS with rustls, the same for all clients that speak it.

use crate::identity::{Identity, LOCK};
use crate::run::{self, TlsSupport};
use crate::session::Session;
use crate::ticks::Outcome;
use anyhow::{Context, Result, anyhow};
use clap::Parser;
use contract::ClientPlan;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::process::ExitCode;
use std::sync::Arc;

/// What a TLS handshake with the server needs.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Trusts the certificate of the plan, and no other. Otherwise the defaults of rustls,
    /// with its *ring* provider.
    pub config: Arc<ClientConfig>,
    /// The server's name: the address in the plan's URL.
    pub name: ServerName<'static>,
}

/// As [`crate::main`], for a client that asks each session for its [`Session::tls`].
pub fn main_with_tls<A: Parser>(
    identify: impl FnOnce(&A, &ClientPlan) -> Identity,
    run: impl FnOnce(&A, Vec<Session>) -> Result<Outcome>,
) -> ExitCode {
    run::start(LOCK, TlsSupport::Yes, identify, run).into()
}

impl Session {
    /// What TLS needs, where the plan asks for it; `None` for a plain connection.
    ///
    /// # Errors
    /// When the plan's `ca` cannot be used.
    pub fn tls(&self) -> Result<Option<Tls>> {
        let Some(ca) = &self.0.plan.ca else { return Ok(None) };
        let certificate = CertificateDer::from_pem_file(ca)
            .map_err(|error| anyhow!("{error}"))
            .context("plan: ca cannot be read")?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).context("plan: ca")?;
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Some(Tls { config: Arc::new(config), name: self.0.address.ip().into() }))
    }
}
