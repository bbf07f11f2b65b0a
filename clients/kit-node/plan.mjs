// Checks what the table of the contract cannot: whether this client can carry a plan out.

import { isIP } from 'node:net';
import { ContractError } from './errors.mjs';

/** Throws a ContractError when a plan asks for TLS that the client does not speak, or has a wrong URL. */
export function check_plan(plan, speaks_tls = false) {
  if (plan.ca !== undefined && !speaks_tls) throw new ContractError('tls_not_supported');
  // With a certificate, all URLs of the plan are under TLS.
  const scheme = plan.ca === undefined ? 'ws://' : 'wss://';
  for (const url of plan.urls) check_url(url, scheme);
}

/** Host names are refused: no resolver takes part in a measurement. */
function check_url(url, scheme) {
  const rest = url.startsWith(scheme) ? url.slice(scheme.length) : '';
  const parts = /^(\[([^\]/]+)\]|[^:/]+):(\d{1,5})\//.exec(rest);
  const is_address = parts !== null && isIP(parts[2] ?? parts[1]) === (parts[2] ? 6 : 4);
  if (!is_address || Number(parts[3]) > 65535) throw new ContractError('bad_url', { url, scheme });
}
