//! What the command line chooses: a client, and one of its variants.

use clap::{Parser, ValueEnum};
use client_kit::{Class, Identity, QueueKind, QueueShape};

/// The Tauri clients of the tick bench: one app, with the WebSocket in its page, in its Rust
/// process, or in its plugin.
#[derive(Debug, Clone, Copy, Parser)]
#[command(version)]
pub struct Args {
    /// Which client it is.
    #[arg(long)]
    client: Client,
    /// A variant of the client.
    #[arg(long)]
    variant: Option<Variant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    #[value(name = "tauri-js")]
    Js,
    #[value(name = "tauri-rust")]
    Rust,
    #[value(name = "tauri-plugin")]
    Plugin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Variant {
    NoReact,
    Worker,
    Emit,
    Channel,
    ChannelBatched,
}

/// Where the socket is, and what the page gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// In the page: its own WebSocket.
    Page(PageVariant),
    /// In the plugin, which passes each message on to the page.
    Plugin,
    /// In the Rust process, which processes the ticks; the page gets figures once a second.
    Rust,
    /// In the Rust process, which passes the ticks on to the page, where they are processed.
    Forward(Path),
}

/// How the page reads its own WebSocket, and what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageVariant {
    /// React's `setState` for each tick.
    React,
    /// Without rendering.
    NoReact,
    /// In a Web Worker.
    Worker,
}

/// How ticks come from the Rust process into the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Each is an event.
    Emit,
    /// Each by a channel.
    Channel,
    /// What came within a frame, by a channel in one go.
    ChannelBatched,
}

/// Why a command line has no meaning.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    /// The client has no such variant.
    #[error("--variant: this client does not have it: see its client.toml")]
    NoSuchVariant,
}

impl Args {
    /// What they choose.
    pub fn system(self) -> Result<System, ArgsError> {
        Ok(match (self.client, self.variant) {
            (Client::Js, None) => System::Page(PageVariant::React),
            (Client::Js, Some(Variant::NoReact)) => System::Page(PageVariant::NoReact),
            (Client::Js, Some(Variant::Worker)) => System::Page(PageVariant::Worker),
            (Client::Plugin, None) => System::Plugin,
            (Client::Rust, None) => System::Rust,
            (Client::Rust, Some(Variant::Emit)) => System::Forward(Path::Emit),
            (Client::Rust, Some(Variant::Channel)) => System::Forward(Path::Channel),
            (Client::Rust, Some(Variant::ChannelBatched)) => System::Forward(Path::ChannelBatched),
            _ => return Err(ArgsError::NoSuchVariant),
        })
    }
}

impl System {
    /// Whether the kernel's socket belongs to the Rust code of this program, which can set its
    /// options.
    pub fn owns_socket(self) -> bool {
        matches!(self, Self::Rust | Self::Forward(_))
    }

    /// What the page has to know, as the query of its URL.
    pub fn query(self) -> [(&'static str, &'static str); 2] {
        let (variant, transport) = match self {
            Self::Page(PageVariant::React) => ("", ""),
            Self::Page(PageVariant::NoReact) => ("no-react", ""),
            Self::Page(PageVariant::Worker) => ("worker", ""),
            Self::Plugin => ("", "plugin"),
            Self::Rust => ("", "figures"),
            Self::Forward(Path::Emit) => ("no-react", "events"),
            Self::Forward(Path::Channel | Path::ChannelBatched) => ("no-react", "channel"),
        };
        [("variant", variant), ("transport", transport)]
    }

    /// Who it is; `display` says where its window is.
    pub fn identity(self, display: &str) -> Identity {
        let (name, transport, crates): (_, _, &'static [_]) = match self {
            Self::Page(_) => ("tauri-js", "WebKit WebSocket", &["tauri", "wry"]),
            Self::Plugin => (
                "tauri-plugin",
                "tauri-plugin-websocket (tokio TcpStream)",
                &["tauri", "wry", "tauri-plugin-websocket"],
            ),
            Self::Rust | Self::Forward(_) => (
                "tauri-rust",
                "tokio TcpStream (epoll)",
                &["tauri", "wry", "tokio", "tokio-tungstenite@0.30"],
            ),
        };
        let queue = match self {
            // What Tauri has taken and the page does not have yet: Tauri has no bound for it.
            Self::Forward(_) => QueueKind::Unbounded,
            // The plugin's queue is part of the library: nobody can count it.
            Self::Page(_) | Self::Plugin | Self::Rust => QueueKind::None,
        };
        Identity {
            name,
            class: Class::Application,
            runtime: format!("Tauri, one page, {display}"),
            transport,
            queue: QueueShape { kind: queue, bound: None },
            crates,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(args: &[&str]) -> Result<System, ArgsError> {
        Args::try_parse_from([&["client-tauri"], args].concat()).unwrap().system()
    }

    #[test]
    fn each_variant_belongs_to_one_client() {
        let chosen = system(&["--client", "tauri-rust", "--variant", "channel-batched"]);
        assert_eq!(chosen.unwrap(), System::Forward(Path::ChannelBatched));
        assert!(system(&["--client", "tauri-js", "--variant", "emit"]).is_err());
        assert!(system(&["--client", "tauri-plugin", "--variant", "worker"]).is_err());
    }

    #[test]
    fn only_ticks_on_their_way_into_the_page_are_a_queue_of_the_client() {
        let kind = |args: &[&str]| system(args).unwrap().identity("no display").queue.kind;
        assert_eq!(kind(&["--client", "tauri-js"]), QueueKind::None);
        assert_eq!(kind(&["--client", "tauri-rust"]), QueueKind::None);
        let emit = ["--client", "tauri-rust", "--variant", "emit"];
        assert_eq!(kind(&emit), QueueKind::Unbounded);
    }
}
