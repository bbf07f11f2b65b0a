// What can go wrong: a code and fields for programs, and one message for people.

/** Characters of a line that its error shows. */
const EXCERPT_CHARS = 60;

/** Wrong lines, and plans that cannot be carried out. */
const CONTRACT_MESSAGES = {
  line_too_long: ({ most }) => `a contract line is longer than ${most} bytes`,
  not_json: ({ detail }) => detail,
  not_an_object: () => 'it is not a JSON object',
  unknown_type: ({ type }) => `unknown type \`${type}\``,
  unknown_key: ({ type, key }) => `${type}: unknown key \`${key}\``,
  missing_key: ({ type, key }) => `${type}: missing key \`${key}\``,
  wrong_kind: ({ type, key }) => `${type}: \`${key}\` has a value of the wrong kind`,
  out_of_range: ({ type, key, found, least, most }) =>
    `${type}: ${key} is ${found}: choose ${least} to ${most}`,
  other_version: ({ theirs, ours }) =>
    `contract version ${theirs}, but this program speaks version ${ours}`,
  no_plan: () => 'no plan on stdin: `harness plan NAME` prints one',
  stop_before_plan: () => '`stop` came before a plan on stdin',
  second_plan: () => 'a second plan on stdin',
  tls_not_supported: () => 'plan: ca: this client speaks no TLS: leave it out',
  bad_url: ({ url, scheme }) =>
    `plan: urls is \`${url}\`: it has to be ${scheme}IP:PORT/PATH, such as ${scheme}127.0.0.1:9001/ticks`,
  bad_meter: ({ detail }) => `plan: meter cannot be used: ${detail}`,
};

/** Runs that fail or cannot take place. */
const RUN_MESSAGES = {
  cannot_connect: ({ url, detail }) => `cannot connect to ${url}${detail ? `: ${detail}` : ''}`,
  connect_deadline: ({ urls, ms }) => `not connected to ${urls.join(', ')} within ${ms} ms`,
  queue_not_drained: ({ queued }) =>
    `the server closed the connection, but the client left ${queued} ticks in its queue`,
  too_many_samples: ({ dropped }) => `no room for ${dropped} samples: plan a larger sample.stride`,
  stdout_closed: () => 'cannot write to stdout: nobody reads it',
  no_receive_buffer: ({ runtime }) =>
    `${runtime} cannot set SO_RCVBUF, and this load asks for it: choose one without \`buffers\``,
  browser_not_started: ({ program, detail }) => `cannot start ${program}: ${detail}`,
  no_display: ({ detail }) =>
    `there is no display, and Xvfb does not start (${detail}): apt-get install xvfb`,
  browser_ended: ({ program, how, detail }) => `${program} ended (${how})${detail ? `: ${detail}` : ''}`,
  browser_is_a_snap: ({ program, directory, detail }) =>
    `${program} is a snap, whose profile has to be in ${directory}, and that cannot be made (${detail}): set HOME to a directory below /home, or CHROMIUM to another Chromium`,
  browser_without_sandbox: ({ program, setting }) =>
    `${program} has no usable sandbox: ${
      setting
        ? `${setting.name} is ${setting.found}: sysctl -w ${setting.name}=${setting.wanted}`
        : 'user namespaces are refused, as in a container with a seccomp filter: allow them'
    }, install the distribution's own Chromium with its sandbox (apt-get install chromium-sandbox), or set CHROMIUM to a script that runs it with --no-sandbox`,
  browser_without_fonts: ({ program, detail }) =>
    `${program} found no fonts (${detail}): apt-get install fonts-dejavu-core`,
  browser_call: ({ detail }) => detail,
  page_gone: ({ detail }) =>
    `the page has closed its connection to the bridge${detail ? `; the browser's last message: ${detail}` : ''}`,
  page_too_slow: ({ ms }) => `the page did not report within ${ms} ms after it was told to stop`,
  page_not_built: () => "the page is not built: run `node build.mjs` in the client's directory",
  clock_not_read: () => 'the page answered no exchange of times',
  clocks_apart: ({ apart_ns }) =>
    `the page's clock moved by ${apart_ns} ns against that of the machine`,
  unknown_variant: ({ variant, known }) =>
    `--variant ${variant}: choose ${known.join(', ') || 'none'}`,
  ended_by_signal: ({ signal }) => `ended by ${signal}`,
};

class CodedError extends Error {
  constructor(messages, code, fields) {
    super(one_line(messages[code](fields)));
    this.code = code;
    this.fields = fields;
  }
}

/** Exit code 2 before a plan was accepted; with a `line` among the fields, the message shows its beginning. */
export class ContractError extends CodedError {
  constructor(code, fields = {}) {
    super(CONTRACT_MESSAGES, code, fields);
    if (fields.line === undefined) return;
    // eslint-disable-next-line no-control-regex -- control characters are what is taken out
    const excerpt = fields.line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, EXCERPT_CHARS);
    this.message = `not a contract line: ${this.message}; the line begins \`${excerpt}\``;
  }
}

/** Exit code 1, or the reason why the client is unavailable. */
export class RunError extends CodedError {
  constructor(code, fields = {}) {
    super(RUN_MESSAGES, code, fields);
  }
}

/** A message for stderr, whose last line explains a failed row. */
export function one_line(message) {
  return String(message).replace(/\s*[\r\n]+\s*/g, ' ');
}
