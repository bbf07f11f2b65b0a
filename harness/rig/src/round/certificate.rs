//! TLS between server and clients: the certificate of a campaign.

use anyhow::{Context, Result};
use contract::Credentials;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a key and a self-signed certificate of this machine's loopback (ECDSA on P-256,
/// the default of rcgen) into a private directory.
///
/// # Errors
/// When they cannot be created or written.
pub fn certify(dir: &Path) -> Result<Credentials> {
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let issued = rcgen::generate_simple_self_signed(names).context("cannot issue a certificate")?;
    let files = Credentials { cert: dir.join("server.cert"), key: dir.join("server.key") };
    for (path, text) in
        [(&files.cert, issued.cert.pem()), (&files.key, issued.signing_key.serialize_pem())]
    {
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(path);
        opened
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}: free some memory", path.display()))?;
    }
    Ok(files)
}
