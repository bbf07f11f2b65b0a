// `main` of a Node.js client: a session for each connection, and their report. A client
// owns its socket, its runtime and its queue; everything else is here.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sum_counts } from './contract.mjs';
import { RunError } from './errors.mjs';
import { Run } from './run.mjs';
import { Session } from './session.mjs';
import { exit_with_message, write_stderr, write_stdout } from './stdio.mjs';

/** The largest message that a client takes; a larger one ends the connection. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/**
 * Runs a client from its plan to its report.
 *
 * `identify(plan)` returns its name, versions, runtime, transport, class and queue
 * (`{ kind, bound }`). `open(session)` opens one connection. With `speaks_tls` it
 * trusts `session.ca` where there is one.
 */
export function main(identify, open, { speaks_tls = false } = {}) {
  check_arguments();
  let sessions = [];
  const end = () => {
    for (const session of sessions) session.write_meter();
    report(run, sessions);
  };
  const run = new Run({
    identify,
    speaks_tls,
    on_stop: end,
    connect: ({ plan }) => {
      if (plan.receive_buffer_bytes !== null) {
        run.unavailable(new RunError('no_receive_buffer', { runtime: 'Node.js' }));
      }
      let [connecting, open_connections] = [plan.urls.length, plan.urls.length];
      const shared = {
        ca: plan.ca === undefined ? undefined : readFileSync(plan.ca),
        on_ready: () => {
          connecting -= 1;
          if (connecting === 0) run.ready();
        },
        on_end: () => {
          open_connections -= 1;
          if (open_connections === 0 && !run.is_stopped) end();
        },
      };
      sessions = plan.urls.map((_, connection) => new Session(run, connection, shared));
      sessions.forEach((session) => open(session));
    },
  });
}

function report(run, sessions) {
  const counts = sum_counts(sessions.map((session) => session.counts()));
  const other_end = sessions.find((session) => !session.is_closed_normally);
  let [ended, detail] = ['closed', null];
  if (run.cause !== undefined && (other_end !== undefined || counts.queued > 0)) ended = run.cause;
  else if (other_end !== undefined) [ended, detail] = ['disconnected', other_end.end_detail];
  else if (counts.queued > 0) run.fail(new RunError('queue_not_drained', counts));
  const samples = sessions.map((session) => ({ connection: session.connection, rows: session.rows() }));
  run.report(samples, counts, ended, detail);
}

function check_arguments() {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
    if (values.help) {
      write_stdout('A client of the tick bench: reads its plan from stdin.\n');
      process.exit(0);
    }
  } catch (error) {
    exit_with_message(error.message, 2);
  }
  if (process.stdin.isTTY) {
    write_stderr('This client reads its plan from stdin, one JSON line: `harness plan NAME` prints one.');
  }
}
