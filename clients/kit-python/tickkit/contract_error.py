"""What can be wrong with a line of the contract or with a plan: a code and fields for
programs, and one message for people."""

import re

# Characters of a line that its error shows.
_EXCERPT_CHARS = 60

_MESSAGES = {
    "line_too_long": "a contract line is longer than {most} bytes",
    "not_json": "{detail}",
    "not_an_object": "it is not a JSON object",
    "unknown_type": "unknown type `{type}`",
    "unknown_key": "{type}: unknown key `{key}`",
    "missing_key": "{type}: missing key `{key}`",
    "wrong_kind": "{type}: `{key}` has a value of the wrong kind",
    "out_of_range": "{type}: {key} is {found}: choose {least} to {most}",
    "other_version": "contract version {theirs}, but this program speaks version {ours}",
    "no_plan": "no plan on stdin: `harness plan NAME` prints one",
    "stop_before_plan": "`stop` came before a plan on stdin",
    "second_plan": "a second plan on stdin",
    "tls_not_supported": "plan: ca: this client speaks no TLS: leave it out",
    "bad_url": "plan: urls is `{url}`: it has to be {scheme}IP:PORT/PATH,"
    " such as {scheme}127.0.0.1:9001/ticks",
    "bad_meter": "plan: meter cannot be mapped: {detail}",
}


class ContractError(Exception):
    """`code` is one of the above. With a `line` in the fields, the message shows its beginning."""

    def __init__(self, code, **fields):
        super().__init__(code)
        self.code = code
        self.fields = fields

    def __str__(self):
        # The functions that read single values do not know the type of the line.
        message = one_line(_MESSAGES[self.code].format(**{"type": "line", **self.fields}))
        if "line" not in self.fields:
            return message
        excerpt = "".join(filter(str.isprintable, self.fields["line"]))[:_EXCERPT_CHARS]
        return f"not a contract line: {message}; the line begins `{excerpt}`"


def one_line(message):
    """A message for stderr, whose last line explains a failed row."""
    return re.sub(r"\s*[\r\n]+\s*", " ", str(message))
