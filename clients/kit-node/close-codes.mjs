// How a connection ended, by its code (RFC 6455, section 7.4.1).

export const NORMAL = 1000;
/** Stands for the end of a stream without a close frame. */
export const ABNORMAL = 1006;

/** The `detail` of a report; `trouble` is the library's message, where it has one. */
export function end_detail(code, trouble = 'the stream ended without a close frame') {
  return code === ABNORMAL ? trouble : `close code ${code}`;
}
