//! How the processes of a round ended.

use super::failure::AuditFailure;
use super::findings::Audit;
use crate::load::plan::Plan;
use crate::record::overflow::Overflow;
use crate::record::round::Record;
use contract::{ClientEnd, ClientFinal, Policy, ServerEnd};

pub(super) fn check(audit: &mut Audit, record: &Record, plan: &Plan) {
    let (client, server) = (&record.client(), &record.server);
    if server.ended == ServerEnd::CutOff {
        return check_disconnect(audit, client, record, plan);
    }
    if Overflow::of(record).is_some() {
        return;
    }
    let client_ok = match client.ended {
        ClientEnd::Closed => true,
        ClientEnd::Stopped => record.watched.told_to_stop,
        _ => false,
    };
    audit.demand(client_ok, || AuditFailure::ClientEnded {
        ended: client.ended,
        detail: client.detail.clone(),
    });
    let server_ok = server.ended == ServerEnd::Complete
        || (server.ended == ServerEnd::Stopped && record.watched.told_to_stop);
    audit.demand(server_ok || !client_ok, || AuditFailure::ServerEnded {
        ended: server.ended,
        detail: server.detail.clone(),
    });
}

/// Only one policy disconnects a client, and the client has to notice.
fn check_disconnect(audit: &mut Audit, client: &ClientFinal, record: &Record, plan: &Plan) {
    let policy = plan.workload.policy();
    audit.demand(policy == Policy::Disconnect, || AuditFailure::DisconnectedByPolicy { policy });
    let noticed = client.ended == ClientEnd::Disconnected
        || (client.ended == ClientEnd::Stopped && record.watched.told_to_stop);
    audit.demand(noticed, || AuditFailure::DisconnectUnnoticed { ended: client.ended });
}
