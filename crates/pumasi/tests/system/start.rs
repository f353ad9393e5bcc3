//! Starting and stopping.

use reqwest::{Method, StatusCode};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Home, model};

#[tokio::test]
async fn the_first_start_makes_a_network_and_offers_the_model() {
    let home = Home::new();
    let node = home.start();
    assert!(node.api_key.starts_with("sk-pumasi-"));
    assert_eq!(node.ready["first"], true);
    assert_eq!(node.ready["models"].as_array().map(Vec::len), Some(1));
    assert_eq!(node.get("/healthz").await, json!({ "status": "ok" }));
    let artifacts = node.get("/ledger/artifacts").await;
    let artifact = &artifacts["artifacts"][0];
    assert_eq!(artifact["royalty"], json!({ "input": 0, "output": 0 }), "a file that is only run asks nothing");
    assert!(node.model().starts_with("you/"), "{}", node.model());
    let status = home.pumasi(&["status"]).good();
    assert!(
        status.contains(&node.address) && status.contains(node.model()) && status.contains("0.1 / 0.2"),
        "{status}"
    );
    for secret in ["owner-token", "api-key", "keys/payer.key"] {
        let mode = std::fs::metadata(home.path(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{secret} can be read by others");
    }
}

#[tokio::test]
async fn another_start_with_the_same_file_publishes_and_offers_nothing_new() {
    let home = Home::new();
    let node = home.start();
    let (before, key, listen) = (node.get("/ledger").await, node.api_key.clone(), node.address.replace("http://", ""));
    let offered = node.model().to_owned();
    assert!(node.stop().success());
    let node = home.start_with(&["--listen", &listen, "--model", model()]);
    assert_eq!((node.model(), &node.api_key, &node.ready["first"]), (offered.as_str(), &key, &json!(false)));
    assert_eq!(node.get("/ledger").await["operations"], before["operations"]);
    assert!(node.stop().success());
    let node = home.start_with(&["--listen", &listen]);
    assert_eq!(node.model(), offered, "what was offered is offered again");
    assert_eq!(node.get("/ledger").await["operations"], before["operations"]);
    node.ask("hello", 2).await;
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_says_who_runs_there() {
    let home = Home::new();
    let node = home.start();
    let said = home.pumasi(&["up", "--listen", "127.0.0.1:0"]).bad();
    assert!(said.contains(&node.address) && said.contains(&node.pid().to_string()), "{said}");
    node.ask("the first goes on", 1).await;
}

#[tokio::test]
async fn a_busy_port_is_said_and_nothing_is_founded() {
    let (home, busy) = (Home::new(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let listen = busy.local_addr().unwrap().to_string();
    let said = home.pumasi(&["up", "--listen", &listen]).bad();
    assert!(said.contains(&listen) && said.contains("--listen"), "{said}");
    assert!(!home.path("ledger").exists());
    assert_eq!(said.matches(&listen).count(), 1, "the busy port is not what to try instead: {said}");
    let said = home.pumasi(&["up", "--listen", "nonsense"]).bad();
    assert!(said.contains("cannot listen on nonsense"), "{said}");
}

#[tokio::test]
async fn a_node_that_was_stopped_leaves_nothing_open() {
    let home = Home::new();
    let node = home.start();
    node.ask("pay this", 3).await;
    assert!(node.stop().success());
    let said = home.pumasi(&["status"]).bad();
    assert!(said.contains("pumasi up"), "{said}");
    let audit = home.pumasi(&["audit", "--json"]).json();
    assert_eq!((&audit["settlements"], &audit["unfinished_bytes"]), (&json!(1), &json!(0)), "it settles at its end");
}

#[tokio::test]
async fn a_killed_node_starts_again() {
    let home = Home::new();
    let node = home.start();
    node.ask("pay this", 3).await;
    node.kill();
    let said = home.pumasi(&["status"]).bad();
    assert!(said.contains("nothing answers") && said.contains("pumasi up"), "{said}");
    let node = home.start();
    let (status, _) = node.send(Method::GET, "/wallet", Some(&node.owner_token), None).await;
    assert_eq!(status, StatusCode::OK);
    node.ask("and this", 3).await;
    assert!(node.stop().success());
    assert_eq!(home.pumasi(&["audit", "--json"]).json()["good"], true);
}

#[tokio::test]
async fn an_idle_node_is_small() {
    let home = Home::new();
    let node = home.start();
    let metrics = node.text("/metrics").await;
    let value = |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let resident = value("process_resident_memory_bytes").unwrap();
    assert!(resident < 60 << 20, "{resident} bytes");
    for part in ["pumasi_ledger_operations_total", "pumasi_gateway_requests_total", "pumasi_provider_running"] {
        assert!(value(part).is_some(), "{part} is missing in\n{metrics}");
    }
}

#[tokio::test]
async fn systemd_is_told_once_it_answers_and_when_it_stops() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    let path = dir.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let told = || {
        let mut message = [0; 64];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let node = home.start_in(&["--listen", "127.0.0.1:0"], &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(told().trim(), "READY=1");
    assert!(node.stop().success());
    assert_eq!(told().trim(), "STOPPING=1");
}
