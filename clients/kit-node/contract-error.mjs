// What can be wrong with a line of the contract or with a plan: a code and fields for
// programs, and one message for people.

/** Characters of a line that its error shows. */
const EXCERPT_CHARS = 60;

const MESSAGES = {
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

/** `code` is one of the above; with a `line` among the fields, the message shows its beginning. */
export class ContractError extends Error {
  constructor(code, fields = {}) {
    super(message_of(code, fields));
    this.code = code;
    this.fields = fields;
  }
}

function message_of(code, fields) {
  const message = one_line(MESSAGES[code](fields));
  if (fields.line === undefined) return message;
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  const excerpt = fields.line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, EXCERPT_CHARS);
  return `not a contract line: ${message}; the line begins \`${excerpt}\``;
}

/** A message for stderr, whose last line explains a failed row. */
export function one_line(message) {
  return String(message).replace(/\s*[\r\n]+\s*/g, ' ');
}
