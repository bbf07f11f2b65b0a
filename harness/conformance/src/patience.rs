//! How long the cases wait.

use std::time::Duration;

/// Whatever takes longer than this has failed: no case depends on a shorter time.
pub const PATIENCE: Duration = Duration::from_secs(30);
