//! The certificate chain of the server and its key, from PEM files, as the configuration of
//! rustls.

use anyhow::{Context, Result, anyhow, ensure};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use std::path::Path;
use std::sync::Arc;

/// Reads a chain (the certificate of the server first) and its private key (PKCS #8,
/// PKCS #1 or SEC 1). Clients need no certificate. TLS 1.3 only: 1.2 cannot renew its keys,
/// and a feed with a record per tick uses them up within minutes (RFC 8446, 5.5).
///
/// # Errors
/// A file that cannot be read, that has no certificate or key, or a key of another
/// certificate; in one line that names the file.
pub fn load(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let named = |what: &str, path: &Path| format!("{what} {}", path.display());
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| named("the certificate", cert))?;
    ensure!(!chain.is_empty(), "{}: it has no `BEGIN CERTIFICATE`", named("the certificate", cert));
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| named("the key", key))?;
    // The provider is named, so that no other crate of the build can choose it.
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| anyhow!("{error}: give the key of that certificate"))
        .with_context(|| format!("{} and {}", cert.display(), named("the key", key)))?;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let (own, other) = (pair(), pair());
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let cert = write("cert", &own.0);
        let key = write("key", &own.1);
        assert!(load(&cert, &key).is_ok());
        for (cert, key, text) in [
            (&cert, &write("other", &other.1), "give the key of that certificate"),
            (&cert, &cert, "the key"),
            (&key, &key, "it has no `BEGIN CERTIFICATE`"),
            (&dir.path().join("none"), &key, "No such file"),
            (&cert, &dir.path().join("none"), "No such file"),
        ] {
            let error = format!("{:#}", load(cert, key).unwrap_err());
            assert!(error.contains(text) && !error.contains('\n'), "{error}");
        }
    }

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }
}
