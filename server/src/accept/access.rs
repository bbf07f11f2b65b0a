//! Access control: who may connect, by a token and by the origin of a page.

use crate::accept::current::Current;
use crate::accept::refusal::Refusal;
use crate::accept::request::Request;
use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use subtle::ConstantTimeEq;
use tungstenite::http::Uri;

/// The shortest token, in characters: a shorter one could be guessed.
const TOKEN_MIN_CHARS: usize = 16;
/// The longest token, in bytes.
const TOKEN_MAX_BYTES: usize = 1024;
/// The file modes that a token file may not have: write access for the group and others (man 7
/// inode). Whoever writes it decides who can connect.
const WRITABLE: u32 = 0o022;
/// Others may read it: to be warned about. Secrets that are mounted into containers often are
/// of mode 444, and cannot be changed.
const READABLE: u32 = 0o004;

/// Who may connect; by default everybody.
#[derive(Debug, Clone, Default)]
pub struct AccessControl {
    /// The token that a client has to present, if any.
    pub token: Option<Current<Token>>,
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
            Some(presented) if token.get().equals(presented) => Ok(()),
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
    /// Reads a token from a file that only its owner can write. Others may read it: the warning
    /// says that they can connect.
    ///
    /// # Errors
    /// When the file cannot be read, can be written by others, or holds no token.
    pub fn read(path: &Path) -> Result<(Self, Option<ReadableByOthers>)> {
        let shown = path.display();
        let file = std::fs::File::open(path).with_context(|| format!("--token-file {shown}"))?;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & WRITABLE != 0 {
            bail!(
                "--token-file {shown} can be written by others (mode {mode:o}): run chmod go-w {shown}"
            );
        }
        let warning =
            (mode & READABLE != 0).then(|| ReadableByOthers { file: path.to_owned(), mode });
        let mut text = String::new();
        let read = file.take(TOKEN_MAX_BYTES as u64 + 2).read_to_string(&mut text);
        read.with_context(|| format!("--token-file {shown}"))?;
        let token = text.trim().parse().with_context(|| format!("--token-file {shown}"))?;
        Ok((token, warning))
    }

    /// Whether it is the same token. The time that this takes reveals the lengths only.
    fn equals(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

/// A token file that every user of the machine can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadableByOthers {
    /// The file.
    pub file: PathBuf,
    /// Its mode.
    pub mode: u32,
}

impl fmt::Display for ReadableByOthers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, mode) = (self.file.display(), self.mode);
        write!(
            f,
            "--token-file {file} can be read by every user of this machine (mode {mode:o}), and \
             whoever reads it can connect: run chmod 600 {file}, unless it is a mounted secret"
        )
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
        let token = Some(Current::new("0123456789abcdef".parse().unwrap()));
        let access = AccessControl { token, origins: vec![] };
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
    fn a_token_file_that_others_can_write_is_refused_and_one_that_they_can_read_warned_about() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let read = |text: &str, mode| {
            write(&path, text).unwrap();
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let read = Token::read(&path).map_err(|error| format!("{error:#}"));
            set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            read
        };
        for (mode, is_readable) in [
            (0o600, false),
            (0o400, false),
            (0o640, false),
            (0o440, false),
            (0o444, true),
            (0o644, true),
        ] {
            let (token, warning) = read("0123456789abcdef\n", mode).unwrap();
            assert!(token.equals("0123456789abcdef"), "{mode:o}");
            assert_eq!(warning.is_some(), is_readable, "{mode:o}");
            assert!(warning.is_none_or(|w| w.to_string().contains(&format!("mode {mode:o}"))));
        }
        for mode in [0o660, 0o620, 0o606, 0o666, 0o602] {
            let refused = read("0123456789abcdef", mode).unwrap_err();
            assert!(refused.contains(&format!("mode {mode:o}")), "{refused}");
            assert!(refused.contains("chmod go-w"), "{refused}");
        }
        for bad in ["", "short", "0123456789abcdef+/=", "0123456789 abcdef", &"a".repeat(2000)] {
            assert!(read(bad, 0o600).unwrap_err().contains("openssl rand"), "{bad}");
        }
        assert!(Token::read(&dir.path().join("none")).is_err());
    }
}
