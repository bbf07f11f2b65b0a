//! A load under TLS, from the certificate to the audited row.

use crate::common;

use crate::common::{Room, is_measured};
use serde_json::Value;

/// Clients with `tls = true` are measured under TLS; the others are unavailable there.
#[test]
fn every_client_that_supports_tls_is_measured_under_it() {
    let room = Room::new();
    let load = "rate_per_s = 4000\nrank_by = \"response_p99\"";
    let secret = room.workload("secret", &format!("{load}\ntls = true\nconnections = 2"));
    let plain = room.workload("plain", load);
    let clients = ["floor", "tokio", "blocking", "node-ws", "python-websockets"];
    let compared = room.compare(&[&clients[..], &["--workload", &secret, &plain]].concat());
    assert_eq!(compared.rows.len(), 2 * clients.len(), "{}", compared.stderr);
    let row = |client: &str, workload: &str| {
        let is = |row: &&Value| row["client"] == client && row["workload"] == workload;
        compared.rows.iter().find(is).unwrap()
    };
    for client in clients {
        let (secret, plain) = (row(client, "secret"), row(client, "plain"));
        // Clients that are not installed here are left out.
        if plain["verdict"] == "unavailable" {
            assert!(!["floor", "tokio", "blocking"].contains(&client), "{plain}");
            continue;
        }
        assert!(is_measured(plain), "{plain}");
        match client {
            "floor" => {
                assert_eq!(secret["verdict"], "unavailable", "{secret}");
                let reason = common::reason(secret);
                assert!(reason.contains("does not say `tls = true`"), "{secret}");
            }
            _ => assert!(is_measured(secret), "{secret}\n{}", compared.stderr),
        }
    }
    let text = std::fs::read_to_string(compared.campaign.join("campaign.json")).unwrap();
    let campaign: Value = serde_json::from_str(&text).unwrap();
    common::valid("campaign.schema.json", &campaign);
    let of = |name: &str| {
        let workloads = campaign["workloads"].as_array().unwrap();
        workloads.iter().find(|workload| workload["name"] == name).unwrap()["tls"].clone()
    };
    assert_eq!((of("secret"), of("plain")), (true.into(), Value::Null));
    // Certificate and key are removed when the harness ends.
    assert!(room.processes().is_empty());
    assert!(!text.contains("server.cert") && !text.contains("server.key"));
}

#[test]
fn a_server_without_tls_is_refused_before_anything_is_measured() {
    let room = Room::new();
    let secret =
        room.workload("secret", "rate_per_s = 4000\nrank_by = \"response_p99\"\ntls = true");
    let output = room
        .harness(&["compare", "floor", "--unchecked", "--server", "node", "--workload", &secret])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("no server_threads and no tls"), "{said}");
}
