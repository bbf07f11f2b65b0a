//! What the parts of one connection have in common.

use crate::stop::StopSignal;
use contract::ClientPlan;
use contract::meter::Meter;
use std::net::SocketAddr;
use std::sync::Arc;

/// One connection of a run.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) plan: Arc<ClientPlan>,
    /// Its index among the connections, and so among the plan's URLs.
    pub(crate) index: usize,
    pub(crate) address: SocketAddr,
    pub(crate) stop: Arc<StopSignal>,
    pub(crate) meter: Arc<Meter>,
}
