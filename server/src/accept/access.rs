//! Access control: who may connect, by a token and by the origin of a page.

use crate::accept::refusal::Refusal;
use crate::accept::request::Request;
use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use tungstenite::http::Uri;

/// The shortest token, in characters: a shorter one could be guessed.
const TOKEN_MIN_CHARS: usize = 16;
/// The longest token, in bytes.
const TOKEN_MAX_BYTES: usize = 1024;
/// The file modes that a token file may not have: any access for others, and write access
/// for the group (man 7 inode).
const TOO_OPEN: u32 = 0o027;

/// Who may connect; by default everybody.
#[derive(Debug, Clone, Default)]
pub struct AccessControl {
    /// The token that a client has to present, if any.
    pub token: Option<Token>,
    /// Pages that may connect; empty: all.
    pub origins: Vec<Origin>,
}

impl AccessControl {
    /// Checks a request.
    ///
    /// # Errors
    /// 403 for a page that is not on the list, 401 without the token.
    pub fn check(&self, request: &Request) -> Result<(), Refusal> {
        // Only browsers send an origin, and they always do (RFC 6455, 10.2).
        if let Some(origin) = &request.origin
            && !self.origins.is_empty()
            && !self.origins.iter().any(|allowed| allowed.0.eq_ignore_ascii_case(origin))
        {
            return Err(Refusal::Origin);
        }
        let Some(token) = &self.token else { return Ok(()) };
        match presented_token(request) {
            Some(presented) if token.equals(presented) => Ok(()),
            Some(_) => Err(Refusal::WrongToken),
            None => Err(Refusal::NoToken),
        }
    }
}

/// The token of a request: of its header, or else of its URL, because pages in a browser
/// cannot set the header.
fn presented_token(request: &Request) -> Option<&str> {
    match &request.authorization {
        // The name of the scheme is case-insensitive (RFC 9110, 11.1).
        Some(value) => {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("Bearer").then_some(token.trim())
        }
        None => request.value("token"),
    }
}

/// A secret that a client has to present. It is never printed.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Reads a token from a file that others cannot read: whoever reads it can connect. The
    /// group may read it, because servers often get their secrets through a group.
    ///
    /// # Errors
    /// When the file cannot be read, is accessible to others, or holds no token.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let file = std::fs::File::open(path).with_context(|| format!("--token-file {shown}"))?;
        let mode = file.metadata()?.permissions().mode();
        if mode & TOO_OPEN != 0 {
            let mode = mode & 0o777;
            bail!(
                "--token-file {shown} is accessible to others (mode {mode:o}): run chmod 600 {shown}"
            );
        }
        let mut text = String::new();
        let read = file.take(TOKEN_MAX_BYTES as u64 + 2).read_to_string(&mut text);
        read.with_context(|| format!("--token-file {shown}"))?;
        text.trim_end().parse().with_context(|| format!("--token-file {shown}"))
    }

    /// Whether it is the same token. The time that this takes reveals the lengths only.
    fn equals(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl FromStr for Token {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        // Characters that a URL never encodes (RFC 3986, 2.3): the same in header and query.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        ensure!(
            (TOKEN_MIN_CHARS..=TOKEN_MAX_BYTES).contains(&text.len()) && text.chars().all(plain),
            "a token has {TOKEN_MIN_CHARS} to {TOKEN_MAX_BYTES} letters, digits or -._~: \
             make one with `openssl rand -hex 32`"
        );
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The origin of a page as browsers send it: `https://example.com`, or `null` for pages
/// without an address (RFC 6454, 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A text that browsers never send as an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give scheme, host and port as browsers send them: https://example.com")]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let uri: Option<Uri> = text.parse().ok();
        let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?)));
        let is_origin = parts.is_some_and(|(scheme, host)| {
            // Browsers send no slash at the end.
            text.eq_ignore_ascii_case(&format!("{scheme}://{host}")) && !host.as_str().contains('@')
        });
        if is_origin || text == "null" {
            return Ok(Self(text.to_owned()));
        }
        Err(NotAnOrigin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};

    fn request(lines: &str, query: &str) -> Request {
        let head = format!(
            "GET /ticks?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
        );
        Request::parse(head.as_bytes()).ok().flatten().unwrap()
    }

    #[test]
    fn a_token_is_presented_by_header_or_by_url() {
        let access =
            AccessControl { token: Some("0123456789abcdef".parse().unwrap()), origins: vec![] };
        for (lines, query, passes) in [
            ("Authorization: Bearer 0123456789abcdef\r\n", "", true),
            ("authorization: bearer 0123456789abcdef\r\n", "", true),
            ("", "connection=1&token=0123456789abcdef", true),
            ("", "", false),
            ("", "token=0123456789abcde", false),
            ("", "token=", false),
            ("Authorization: Bearer\r\n", "", false),
            ("Authorization: Basic 0123456789abcdef\r\n", "", false),
            // The header counts, even when it is wrong.
            ("Authorization: Bearer 0123456789abcdeF\r\n", "token=0123456789abcdef", false),
        ] {
            let answer = access.check(&request(lines, query));
            assert_eq!(answer.is_ok(), passes, "{lines} {query}");
            assert!(answer.err().is_none_or(|refusal| refusal.status() == 401));
        }
        assert!(!format!("{access:?}").contains("0123"));
    }

    #[test]
    fn pages_need_a_listed_origin_and_other_clients_need_none() {
        let origins = vec!["https://a.example".parse().unwrap(), "null".parse().unwrap()];
        let access = AccessControl { token: None, origins };
        for (lines, passes) in [
            ("", true),
            ("Origin: https://a.example\r\n", true),
            ("Origin: HTTPS://A.EXAMPLE\r\n", true),
            ("Origin: null\r\n", true),
            ("Origin: http://a.example\r\n", false),
            ("Origin: https://a.example:8443\r\n", false),
            ("Origin: https://a.example.evil\r\n", false),
            ("Origin:\r\n", false),
        ] {
            let answer = access.check(&request(lines, ""));
            assert_eq!(answer.is_ok(), passes, "{lines}");
            assert!(answer.err().is_none_or(|refusal| refusal.status() == 403));
        }
        assert!(
            AccessControl::default().check(&request("Origin: https://b.example\r\n", "")).is_ok()
        );
    }

    #[test]
    fn an_origin_that_browsers_never_send_is_not_accepted_as_an_argument() {
        for good in ["https://example.com", "http://127.0.0.1:8080", "http://[::1]:80", "null"] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for bad in ["", "example.com", "https://example.com/", "https://u@example.com", "*"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_file_that_others_can_access_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let read = |text: &str, mode| {
            write(&path, text).unwrap();
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            Token::read(&path).map_err(|error| format!("{error:#}"))
        };
        assert!(read("0123456789abcdef\n", 0o600).unwrap().equals("0123456789abcdef"));
        assert!(read("0123456789abcdef", 0o640).is_ok());
        assert!(read("0123456789abcdef", 0o644).unwrap_err().contains("chmod 600"));
        assert!(read("0123456789abcdef", 0o660).unwrap_err().contains("mode 660"));
        for bad in ["", "short", "0123456789abcdef+/=", "0123456789 abcdef", &"a".repeat(2000)] {
            assert!(read(bad, 0o600).unwrap_err().contains("openssl rand"), "{bad}");
        }
        assert!(Token::read(&dir.path().join("none")).is_err());
    }
}
