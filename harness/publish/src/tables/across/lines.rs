//! The rows of a group: client by client, its workloads in their order.

use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::row::{self, Row};
use bench_core::load::workload::Workload;

/// Each row with its workload; empty where a campaign does not have several of the group.
pub(super) fn of_group<'a>(
    campaign: &'a Campaign,
    is_member: fn(&Workload) -> bool,
) -> Vec<(&'a Row, &'a Workload)> {
    let workloads: Vec<&Workload> =
        campaign.workloads.iter().filter(|workload| is_member(workload)).collect();
    if workloads.len() < 2 {
        return Vec::new();
    }
    let of_client = |client: &str| -> Vec<(&Row, &Workload)> {
        let row = |workload: &&'a Workload| {
            let is = |row: &&Row| row.client == client && row.workload == workload.name;
            Some((campaign.rows.iter().find(is)?, *workload))
        };
        workloads.iter().filter_map(row).collect()
    };
    row::clients(&campaign.rows).into_iter().flat_map(of_client).collect()
}
