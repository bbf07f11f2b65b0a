//! A reader with a limit: a few compressed bytes can unpack to any number of bytes.

use std::io::{Error, ErrorKind, Read, Result};

/// More than any packed file of a campaign holds, in bytes once unpacked.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// Unpacks a packed file of a campaign while it is read.
///
/// # Errors
/// When it cannot begin; reading fails if the file is damaged, or unpacks to too much.
pub fn unpacked<R: Read>(packed: R) -> Result<impl Read + use<R>> {
    Ok(Bounded::new(zstd::Decoder::new(packed)?, MAX_UNPACKED_BYTES))
}

/// Reads up to `limit_bytes`, and fails if there are more.
#[derive(Debug)]
struct Bounded<R> {
    from: R,
    limit_bytes: u64,
    left_bytes: u64,
}

impl<R: Read> Bounded<R> {
    /// Reads no more than `limit_bytes` from `from`.
    fn new(from: R, limit_bytes: u64) -> Self {
        Self { from, limit_bytes, left_bytes: limit_bytes }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        let count = self.from.read(to)?;
        self.left_bytes = self.left_bytes.checked_sub(count as u64).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidData,
                format!("it unpacks to more than {} bytes", self.limit_bytes),
            )
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_read_and_what_does_not_is_an_error() {
        let mut all = Vec::new();
        assert_eq!(Bounded::new([7; 100].as_slice(), 100).read_to_end(&mut all).unwrap(), 100);
        let bomb = zstd::encode_all(std::io::repeat(b'0').take(1 << 22), 1).unwrap();
        assert!(bomb.len() < 1024);
        let unpacked = zstd::Decoder::new(bomb.as_slice()).unwrap();
        all.clear();
        let error = Bounded::new(unpacked, 1 << 20).read_to_end(&mut all).unwrap_err();
        assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
        assert!(all.len() <= 1 << 20);
    }
}
