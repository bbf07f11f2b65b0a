"""Checks what the classes of the contract cannot: whether this client can carry a plan out."""

import re
import socket

from .contract_error import ContractError


def check_plan(plan, speaks_tls=False):
    """The addresses in the plan's URLs; an error for TLS that the client does not speak."""
    if plan.ca is not None and not speaks_tls:
        raise ContractError("tls_not_supported")
    # With a certificate, all URLs of the plan are under TLS.
    scheme = "ws://" if plan.ca is None else "wss://"
    return [_address(url, scheme) for url in plan.urls]


def _address(url, scheme):
    """Host names are refused: no resolver takes part in a measurement."""
    parts = re.match(scheme + r"(?:\[([^\]/]+)\]|([^:/]+)):([0-9]{1,5})/", url)
    try:
        if parts is None or int(parts[3]) > 65535:
            raise OSError
        family, host = (socket.AF_INET6, parts[1]) if parts[1] else (socket.AF_INET, parts[2])
        socket.inet_pton(family, host)
        return family, (host, int(parts[3]))
    except OSError:
        raise ContractError("bad_url", url=url, scheme=scheme) from None
