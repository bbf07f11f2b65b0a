//! A thread for each connection, for clients without a runtime.

use crate::{Outcome, Session};
use anyhow::{Result, anyhow};
use std::sync::mpsc::channel;
use std::thread;

/// Runs `client` for each session, all of them at once: a single one in this thread,
/// several in threads of their own. Ends with the first that fails, whichever that is:
/// the others may wait for it to get ready.
///
/// # Errors
/// What the first failed by.
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
    for (place, session) in sessions.into_iter().enumerate() {
        let to = to.clone();
        thread::spawn(move || to.send((place, client(session))));
    }
    drop(to);
    let mut all: Vec<Option<Outcome>> = (0..count).map(|_| None).collect();
    for (place, outcome) in outcomes {
        all[place] = Some(outcome?);
    }
    let all = all.into_iter().collect::<Option<Vec<_>>>();
    Ok(Outcome::of_all(all.ok_or_else(|| anyhow!("the thread of a connection panicked"))?))
}
