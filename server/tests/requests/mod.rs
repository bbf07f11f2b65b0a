//! Requests for a WebSocket, good or broken, and their answers.

#![allow(dead_code)] // each test file uses its own part

use crate::common::clients::dial;
use std::io::{Read, Write};
use std::net::TcpStream;

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A request, good except for what a case changes.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub target: String,
    pub version: &'static str,
    pub headers: Vec<(String, String)>,
}

/// A good request.
pub fn good() -> Request {
    let headers = [
        ("Host", "127.0.0.1"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Request { method: "GET", target: "/ticks".to_owned(), version: "HTTP/1.1", headers }
}

/// The good request with a header, in place of one of the same name.
pub fn with(name: &str, value: &str) -> Request {
    without(name).and(name, value)
}

pub fn without(name: &str) -> Request {
    let mut request = good();
    request.headers.retain(|(other, _)| other != name);
    request
}

pub fn target(target: &str) -> Request {
    Request { target: target.to_owned(), ..good() }
}

impl Request {
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

/// An answer: status, headers with names in lower case, body.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

/// Reads a head, and its body unless it is a WebSocket.
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

/// Sends raw bytes, and reads the answer.
pub fn answer_to(address: &str, sent: &[u8]) -> Answer {
    let mut socket = dial(address, None);
    // The server may close before the end.
    let _ = socket.write_all(sent);
    read_answer(&mut socket)
}
