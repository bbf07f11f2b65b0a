//! For clients whose ticks are processed in a page that this process shows: the Rust side of
//! what `kit-browser` has in JavaScript. The page's side is that of `kit-browser`.

mod bridge;
mod channel;
mod clock;
mod messages;
mod relay;
mod site;
mod start;
mod view;

pub use bridge::{Bridge, Counting, Report};
pub use channel::Event;
pub use clock::ClockError;
pub use relay::{Relay, Relayed, RelayedTick};
pub use site::{Files, Site};
pub use start::{Started, Until, main_with_page};
pub use view::PageError;
