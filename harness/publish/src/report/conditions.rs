//! The section of the page about the machine, the versions and how they were built.

use bench_archive::campaign::Campaign;
use bench_core::record::environment::Toolchain;
use bench_core::record::machine::Machine;
use bench_core::record::placement::Placed;
use bench_core::text::digits::count;
use maud::{Markup, html};

/// Where a campaign ran, with which versions.
#[must_use]
pub fn section(campaign: &Campaign) -> Markup {
    let machine = &campaign.machine;
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".into());
    let stolen = campaign.stolen_share.map_or("unknown".into(), |s| format!("{:.2} %", s * 100.0));
    let hardware = [
        ("CPU", format!("{}, {} CPUs", known(&machine.cpu_model), machine.cpus_online)),
        ("kernel", format!("Linux {} ({})", machine.kernel, machine.architecture)),
    ];
    let conditions = [
        ("placement", campaign.placement.to_string()),
        ("CPU time taken by the hypervisor", stolen),
        ("began, ended", format!("{} – {}", campaign.started, known(&campaign.ended))),
        ("server", server(campaign)),
        ("contract", campaign.contract.to_string()),
    ];
    let why = match &campaign.placement {
        Placed::Cpus(placement) => {
            let why = placement.why.iter().map(ToString::to_string).collect::<Vec<_>>();
            Some(("why these CPUs", why.join("; ")))
        }
        Placed::Sentence(_) => None,
    };
    let runs_on = machine.virtualisation.map(|found| ("virtualisation", found.to_string()));
    let chosen = campaign.workloads.iter().any(|workload| workload.congestion.is_some());
    let congestion =
        chosen.then(|| ("congestion control in force", campaign.congestion().join(" and ")));
    let facts = hardware
        .into_iter()
        .chain(runs_on)
        .chain(machine.settings())
        .chain(congestion)
        .chain(conditions)
        .chain(why)
        .chain(built(campaign));
    html! {
        section {
            h2 { "Machine and versions" }
            dl.facts { @for (name, value) in facts { dt { (name) } dd { (value) } } }
            @for note in campaign.notes() { p { (note) } }
            (kernel_settings(machine))
            div.scroll tabindex="0" {
                table {
                    thead { tr {
                        @for head in ["client", "class", "runtime", "transport", "queue", "versions"] {
                            th.text scope="col" { (head) }
                        }
                    } }
                    tbody {
                        @for (name, hello) in &campaign.clients { tr {
                            th scope="row" { (name) }
                            td.text { (hello.class) }
                            td.text { (hello.runtime) }
                            td.text { (hello.transport) }
                            td.text {
                                (hello.queue.kind)
                                @if let Some(bound) = hello.queue.bound { ", " (count(bound as f64)) }
                            }
                            td.text.long { (hello.versions.join(", ")) }
                        } }
                    }
                }
            }
        }
    }
}

/// How server and clients were built and started; nothing for campaigns that did not record it.
fn built(campaign: &Campaign) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(Toolchain { rustc, profile, profile_settings, .. }) = &campaign.toolchain {
        let settings = profile_settings.iter().map(|(key, value)| format!("{key} {value}"));
        let profile = [profile.clone()].into_iter().chain(settings).collect::<Vec<_>>();
        facts.push(("compiler", rustc.clone().unwrap_or_else(|| "unknown".into())));
        facts.push(("profile", profile.join(", ")));
    }
    if let Some(environment) = &campaign.environment {
        let names = [environment.passed.as_slice(), &environment.asked_for].concat().join(", ");
        facts.push(("variables passed on", format!("{names} ({} bytes)", environment.bytes)));
    }
    facts
}

/// Defaults of the kernel and the processor; nothing for campaigns that did not record them.
fn kernel_settings(machine: &Machine) -> Markup {
    html! {
        @if !machine.kernel_settings.is_empty() {
            details {
                summary { "Defaults of the kernel and the processor that move results" }
                dl.facts { @for (name, value) in &machine.kernel_settings {
                    dt { code { (name) } } dd { (value.as_deref().unwrap_or("unknown")) }
                } }
            }
        }
    }
}

/// The server's name, unless it is the default, and its versions.
fn server(campaign: &Campaign) -> String {
    let name = (!campaign.server.is_default()).then(|| campaign.server.to_string());
    name.into_iter().chain(campaign.server_versions.iter().cloned()).collect::<Vec<_>>().join(", ")
}
