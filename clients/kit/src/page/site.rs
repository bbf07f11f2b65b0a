//! Serves the page on loopback, as tauri-plugin-localhost does, and accepts the page's two
//! channels: one with the reader of the ticks, silent while it is measured, and one with the
//! worker that sends counts. Only so is the page isolated from other origins, as its clock of
//! 20 µs and memory that threads share need: a scheme of the app's own cannot isolate it.

use super::channel::{Event, Sink};
use anyhow::{Context, Result, anyhow, bail};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;
use tick::clock::now_ns;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, accept_with_config};

/// The longest head of a request.
const HEAD_BYTES: usize = 8 << 10;
const BETWEEN_PEEKS: Duration = Duration::from_millis(1);

/// The files of the page, by their path.
pub type Files = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

/// The site of one round.
#[derive(Debug)]
pub struct Site {
    listener: TcpListener,
    /// What a page has to know to be given a channel.
    key: String,
}

impl Site {
    /// Listens.
    pub fn bind() -> Result<Self> {
        let mut random = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let key = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { listener: listener.context("cannot listen on loopback")?, key })
    }

    /// The URL of the page with this query.
    pub fn url(&self, query: &[(&str, &str)]) -> Result<String> {
        let address = self.listener.local_addr()?;
        let query: String = query.iter().map(|(name, value)| format!("{name}={value}&")).collect();
        Ok(format!("http://{address}/index.html?{query}key={}", self.key))
    }

    /// Serves these files from a thread of its own, and tells what comes from the page.
    pub fn serve(self, files: Files, events: Sender<Event>) -> Result<()> {
        let Self { listener, key } = self;
        let key: Arc<str> = key.into();
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let (files, events, key) = (Arc::clone(&files), events.clone(), Arc::clone(&key));
                thread::spawn(move || {
                    // The page sees a broken connection, and the round its end.
                    let _ = answer(stream, &files, &key, &events);
                });
            }
        };
        thread::Builder::new().name("site".to_owned()).spawn(accept)?;
        Ok(())
    }
}

fn answer(stream: TcpStream, files: &Files, key: &str, events: &Sender<Event>) -> Result<()> {
    stream.set_nodelay(true)?;
    let head = peek_head(&stream)?;
    let target = target(&head).context("not a request")?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_upgrade = head.lines().any(|line| {
        line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
    });
    match is_upgrade {
        false => send_file(stream, &head, path, files.as_ref()),
        true if query.split('&').any(|part| part.strip_prefix("key=") == Some(key)) => {
            talk(stream, path, events)
        }
        true => bail!("a channel without the key"),
    }
}

/// The head of a request, which stays in the socket.
fn peek_head(stream: &TcpStream) -> Result<String> {
    let mut buffer = vec![0; HEAD_BYTES];
    loop {
        let bytes = stream.peek(&mut buffer)?;
        let head = &buffer[..bytes];
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(std::str::from_utf8(&head[..end + 4])?.to_owned());
        }
        if bytes == 0 || bytes == HEAD_BYTES {
            bail!("no head of a request");
        }
        thread::sleep(BETWEEN_PEEKS);
    }
}

/// The target of a GET request.
fn target(head: &str) -> Option<&str> {
    head.strip_prefix("GET ")?.split(' ').next()
}

fn send_file(
    mut stream: TcpStream,
    head: &str,
    path: &str,
    files: &(dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync),
) -> Result<()> {
    // A request that was not read would make the kernel reset the connection.
    stream.read_exact(&mut vec![0; head.len()])?;
    let mime = match path.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    let (status, body) = match files(path.trim_start_matches('/')) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {mime}\r\ncontent-length: {length}\r\n\
         cross-origin-opener-policy: same-origin\r\ncross-origin-embedder-policy: require-corp\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n"
    )?;
    Ok(stream.write_all(&body)?)
}

/// One channel, until it ends.
fn talk(stream: TcpStream, path: &str, events: &Sender<Event>) -> Result<()> {
    // A report is one message.
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let to_page = stream.try_clone()?;
    let mut from_page =
        accept_with_config(stream, Some(config)).map_err(|error| anyhow!("{error}"))?;
    let to_page = Sink::new(to_page);
    events.send(if path == "/counts" { Event::Counts(to_page) } else { Event::Reader(to_page) })?;
    loop {
        let event = match from_page.read() {
            Ok(Message::Text(text)) => {
                let received_ns = now_ns();
                match serde_json::from_str(&text) {
                    Ok(message) => Event::Message { message, received_ns },
                    Err(error) => Event::Fault(error.to_string()),
                }
            }
            Ok(Message::Binary(bytes)) => Event::Counted(numbers(&bytes)),
            Ok(_) => continue,
            Err(_) => Event::Gone,
        };
        let is_last = matches!(event, Event::Gone | Event::Fault(_));
        events.send(event)?;
        if is_last {
            return Ok(());
        }
    }
}

fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::messages::{FromPage, ToPage};
    use std::sync::mpsc::{Receiver, channel};

    fn serve() -> (String, Receiver<Event>) {
        let site = Site::bind().unwrap();
        let url = site.url(&[("variant", "")]).unwrap();
        let (to, events) = channel();
        let files = |path: &str| (path == "index.html").then(|| b"<p>hello".to_vec());
        site.serve(Arc::new(files), to).unwrap();
        (url, events)
    }

    fn get(url: &str) -> String {
        let (address, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /{target} HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn files_come_isolated_from_other_origins() {
        let (url, _events) = serve();
        let answer = get(&url);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/html"), "{answer}");
        assert!(answer.contains("cross-origin-opener-policy: same-origin"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n<p>hello"), "{answer}");
        assert!(get(&url.replace("index.html", "other.js")).starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn a_channel_needs_the_key_and_carries_messages_both_ways() {
        let (url, events) = serve();
        let channel = url.replace("http:", "ws:").replace("index.html", "reader");
        assert!(tungstenite::connect(channel.replace("key=", "key=0")).is_err());
        let (mut page, _) = tungstenite::connect(&channel).unwrap();
        let Event::Reader(mut sink) = events.recv().unwrap() else { panic!("no reader") };
        sink.send(&ToPage::Time).unwrap();
        assert_eq!(page.read().unwrap().to_text().unwrap(), r#"{"type":"time"}"#);
        page.send(Message::text(r#"{"type":"time","page_ns":5}"#)).unwrap();
        let message = events.recv().unwrap();
        assert!(
            matches!(message, Event::Message { message: FromPage::Time { page_ns: 5 }, .. }),
            "{message:?}"
        );
        let counts = [1.0f64, 2.0].map(f64::to_le_bytes).concat();
        page.send(Message::binary(counts)).unwrap();
        assert!(matches!(events.recv().unwrap(), Event::Counted(all) if all == [1.0, 2.0]));
    }
}
