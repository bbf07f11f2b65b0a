//! Frames in forms that the suite's servers never send (RFC 6455, section 5.2).

/// Opcodes.
const CONTINUATION: u8 = 0;
pub(crate) const BINARY: u8 = 2;

/// One unmasked frame.
pub(crate) fn frame(opcode: u8, is_last: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode | if is_last { 0x80 } else { 0 }];
    match payload.len() {
        short @ ..126 => frame.push(short as u8),
        middle @ ..65_536 => {
            frame.push(126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A message in fragments that end at these offsets, with an empty one in between.
pub(crate) fn fragments(opcode: u8, payload: &[u8], cuts: [usize; 2]) -> Vec<Vec<u8>> {
    let [first, second] = cuts;
    vec![
        frame(opcode, false, &payload[..first]),
        frame(CONTINUATION, false, &payload[first..second]),
        frame(CONTINUATION, false, &[]),
        frame(CONTINUATION, true, &payload[second..]),
    ]
}
