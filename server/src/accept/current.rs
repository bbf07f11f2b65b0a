//! A value that is replaced while the server runs: a certificate or a token that is read again.

use std::sync::{Arc, Mutex, PoisonError};

/// The newest value. Clones share it.
#[derive(Debug, Clone)]
pub struct Current<T>(Arc<Mutex<T>>);

impl<T: Clone> Current<T> {
    /// With a first value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// The newest value.
    #[must_use]
    pub fn get(&self) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces it: whoever asks from now on gets this one.
    pub fn set(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}
