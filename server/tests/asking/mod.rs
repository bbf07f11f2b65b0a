//! Requests that ask to come in, good or broken, and what is answered.

#![allow(dead_code)] // each test file uses its own part

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A request, good but for what a case changes.
#[derive(Clone)]
pub struct Asked {
    pub method: &'static str,
    pub target: String,
    pub version: &'static str,
    pub headers: Vec<(String, String)>,
}

pub fn asked() -> Asked {
    let headers = [
        ("Host", "127.0.0.1"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Asked { method: "GET", target: "/ticks".to_owned(), version: "HTTP/1.1", headers }
}

/// With that header, in place of one of the same name.
pub fn with(name: &str, value: &str) -> Asked {
    without(name).and(name, value)
}

pub fn without(name: &str) -> Asked {
    let mut asked = asked();
    asked.headers.retain(|(other, _)| other != name);
    asked
}

pub fn target(target: &str) -> Asked {
    Asked { target: target.to_owned(), ..asked() }
}

impl Asked {
    /// With one more header.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} {}\r\n", self.method, self.target, self.version);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// An answer: status, headers in lower case up to their values, body.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

pub fn open(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket
}

/// Reads a head, and what is behind it unless that is a WebSocket.
pub fn read_answer(socket: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        format!("{}: {value}", name.to_lowercase())
    });
    let headers = headers.collect();
    let mut body = Vec::new();
    if status != 101 {
        socket.read_to_end(&mut body).unwrap();
    }
    Answer { status, headers, body }
}

pub fn by_bytes(address: &str, sent: &[u8]) -> Answer {
    let mut socket = open(address);
    // The server may have seen enough before the end.
    let _ = socket.write_all(sent);
    read_answer(&mut socket)
}
