//! A thread for each connection, for clients without a runtime.

use crate::session::Session;
use crate::ticks::Outcome;
use anyhow::{Result, anyhow};
use std::sync::mpsc::channel;
use std::thread;

/// Runs `client` for all sessions at once: a single one on this thread, several on threads
/// of their own. Ends with the first that fails: the others may wait for it to get ready.
///
/// # Errors
/// The error of the first that fails.
pub fn thread_for_each(
    mut sessions: Vec<Session>,
    client: fn(Session) -> Result<Outcome>,
) -> Result<Outcome> {
    if sessions.len() == 1
        && let Some(own) = sessions.pop()
    {
        return client(own);
    }
    let (to, outcomes) = channel();
    let count = sessions.len();
    for (index, session) in sessions.into_iter().enumerate() {
        let to = to.clone();
        thread::spawn(move || to.send((index, client(session))));
    }
    drop(to);
    let mut all: Vec<Option<Outcome>> = (0..count).map(|_| None).collect();
    for (index, outcome) in outcomes {
        all[index] = Some(outcome?);
    }
    let all = all.into_iter().collect::<Option<Vec<_>>>();
    Ok(Outcome::combine(all.ok_or_else(|| anyhow!("the thread of a connection panicked"))?))
}
