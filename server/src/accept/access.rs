//! The gate: who is let in, by a token and by the page's origin.

use crate::accept::refusal::Refusal;
use crate::accept::request::Request;
use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use tungstenite::http::{StatusCode, Uri};

/// A shorter token could be guessed.
const TOKEN_MIN_CHARS: usize = 16;
/// The longest token, in bytes.
const TOKEN_MAX_BYTES: usize = 1024;
/// Everything for others, and writing for the group (man 7 inode).
const TOO_OPEN: u32 = 0o027;

/// Who is let in; by default everybody.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// What a client has to bring; `None`: nothing.
    pub token: Option<Token>,
    /// Pages that may connect; empty: all.
    pub origins: Vec<Origin>,
}

impl Gate {
    /// Looks at a request.
    ///
    /// # Errors
    /// 403 for a page that is not on the list, 401 without the token.
    pub fn check(&self, request: &Request) -> Result<(), Refusal> {
        // Only browsers send an origin, and they always do (RFC 6455, 10.2).
        if let Some(origin) = &request.origin
            && !self.origins.is_empty()
            && !self.origins.iter().any(|allowed| allowed.0.eq_ignore_ascii_case(origin))
        {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "this Origin is not allowed"));
        }
        let Some(token) = &self.token else { return Ok(()) };
        match brought(request) {
            Some(brought) if token.is(brought) => Ok(()),
            Some(_) => Err(unauthorized("this token is not the server's")),
            None => Err(unauthorized("give the token as `Authorization: Bearer …` or `?token=…`")),
        }
    }
}

fn unauthorized(line: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, line)
}

/// The token of a request: of its header, or else of its URL, as pages in a
/// browser can set no header.
fn brought(request: &Request) -> Option<&str> {
    match &request.authorization {
        // The scheme's name has no case (RFC 9110, 11.1).
        Some(value) => {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("Bearer").then_some(token.trim())
        }
        None => request.value("token"),
    }
}

/// A secret that a client has to bring. It is never printed.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Reads a token from a file that nobody else may read.
    ///
    /// A group may read it, for a server often gets its secrets by one; to
    /// others it is refused, for whoever reads it can connect.
    ///
    /// # Errors
    /// When the file cannot be read, is open to others, or holds no token.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let file = std::fs::File::open(path).with_context(|| format!("--token-file {shown}"))?;
        let mode = file.metadata()?.permissions().mode();
        if mode & TOO_OPEN != 0 {
            let mode = mode & 0o777;
            bail!("--token-file {shown} is open to others (mode {mode:o}): chmod 600 {shown}");
        }
        let mut text = String::new();
        let read = file.take(TOKEN_MAX_BYTES as u64 + 2).read_to_string(&mut text);
        read.with_context(|| format!("--token-file {shown}"))?;
        text.trim_end().parse().with_context(|| format!("--token-file {shown}"))
    }

    /// Whether that is it. How long this takes tells nothing but the lengths.
    fn is(&self, brought: &str) -> bool {
        self.0.as_bytes().ct_eq(brought.as_bytes()).into()
    }
}

impl FromStr for Token {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        // What a URL never encodes (RFC 3986, 2.3): the same in header and query.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        ensure!(
            (TOKEN_MIN_CHARS..=TOKEN_MAX_BYTES).contains(&text.len()) && text.chars().all(plain),
            "a token has {TOKEN_MIN_CHARS} to {TOKEN_MAX_BYTES} letters, digits or -._~, \
             as `openssl rand -hex 32` makes them"
        );
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Where a page is from, as browsers write it: `https://example.com`, or
/// `null` for pages without an address (RFC 6454, 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Option<Uri> = text.parse().ok();
        let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?)));
        let is_origin = parts.is_some_and(|(scheme, host)| {
            // A slash at the end would never be equal to what browsers send.
            text.eq_ignore_ascii_case(&format!("{scheme}://{host}")) && !host.as_str().contains('@')
        });
        if is_origin || text == "null" {
            return Ok(Self(text.to_owned()));
        }
        Err("give scheme, host and port as browsers do: https://example.com".into())
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
    fn a_token_comes_by_header_or_by_url() {
        let gate = Gate { token: Some("0123456789abcdef".parse().unwrap()), origins: vec![] };
        for (lines, query, passes) in [
            ("Authorization: Bearer 0123456789abcdef\r\n", "", true),
            ("authorization: bearer 0123456789abcdef\r\n", "", true),
            ("", "connection=1&token=0123456789abcdef", true),
            ("", "", false),
            ("", "token=0123456789abcde", false),
            ("", "token=", false),
            ("Authorization: Bearer\r\n", "", false),
            ("Authorization: Basic 0123456789abcdef\r\n", "", false),
            // The header is the client's word, even when it is wrong.
            ("Authorization: Bearer 0123456789abcdeF\r\n", "token=0123456789abcdef", false),
        ] {
            let answer = gate.check(&request(lines, query));
            assert_eq!(answer.is_ok(), passes, "{lines} {query}");
            assert!(answer.err().is_none_or(|refusal| refusal.status == 401));
        }
        assert!(!format!("{gate:?}").contains("0123"));
    }

    #[test]
    fn origins_are_those_of_the_list_and_no_browser_needs_none() {
        let origins = vec!["https://a.example".parse().unwrap(), "null".parse().unwrap()];
        let gate = Gate { token: None, origins };
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
            let answer = gate.check(&request(lines, ""));
            assert_eq!(answer.is_ok(), passes, "{lines}");
            assert!(answer.err().is_none_or(|refusal| refusal.status == 403));
        }
        assert!(Gate::default().check(&request("Origin: https://b.example\r\n", "")).is_ok());
    }

    #[test]
    fn an_origin_that_browsers_never_send_is_refused() {
        for good in ["https://example.com", "http://127.0.0.1:8080", "http://[::1]:80", "null"] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for bad in ["", "example.com", "https://example.com/", "https://u@example.com", "*"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_file_is_closed_to_others() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("token");
        let read = |text: &str, mode| {
            write(&path, text).unwrap();
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            Token::read(&path).map_err(|error| format!("{error:#}"))
        };
        assert!(read("0123456789abcdef\n", 0o600).unwrap().is("0123456789abcdef"));
        assert!(read("0123456789abcdef", 0o640).is_ok());
        assert!(read("0123456789abcdef", 0o644).unwrap_err().contains("chmod 600"));
        assert!(read("0123456789abcdef", 0o660).unwrap_err().contains("mode 660"));
        for bad in ["", "short", "0123456789abcdef+/=", "0123456789 abcdef", &"a".repeat(2000)] {
            assert!(read(bad, 0o600).unwrap_err().contains("openssl rand"), "{bad}");
        }
        assert!(Token::read(&room.path().join("none")).is_err());
    }
}
