//! `fieldfen metrics` and `fieldfen work --metrics-file`.

use std::fs;
use std::process::Command;

use crate::shop_harness::Shop;

#[test]
fn the_queue_is_printed_for_prometheus() {
    let shop = Shop::new();
    let budget = "[[budget]]\nname = \"all\"\nper = \"month\"\nmoney = \"50\"\ncurrency = \"USD\"\n";
    fs::write(shop.folder().join("fieldfen.toml"), budget).unwrap();
    shop.run(&["jobs", "enqueue", "acme.count"]).ends_with(0);
    let metrics = shop.run(&["metrics"]);
    metrics.ends_with(0);
    for line in [
        "# TYPE fieldfen_jobs gauge",
        "fieldfen_jobs{kind=\"acme.count\",status=\"waiting\"} 1",
        "fieldfen_jobs_capped{kind=\"acme.count\",status=\"waiting\"} 0",
        "fieldfen_budget_left_minor_units{budget=\"all\",currency=\"USD\"} 5000",
        "fieldfen_live_workers 0",
    ] {
        assert!(metrics.out.lines().any(|other| other == line), "{line}: {}", metrics.out);
    }
    let document = shop.run(&["metrics", "--json"]).document(0);
    assert_eq!(document["content_type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(document["text"].as_str().unwrap().starts_with("# HELP fieldfen_jobs "), "{document}");
}

#[cfg(unix)]
#[test]
fn a_worker_writes_its_figures_to_a_file() {
    let shop = Shop::new();
    let handler = "[[handler]]\nkind = \"acme.count\"\ncommand = [\"true\"]\n";
    fs::write(shop.folder().join("fieldfen.toml"), handler).unwrap();
    shop.run(&["jobs", "enqueue", "acme.count"]).ends_with(0);
    let work = |file: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen"));
        command.args(["work", "--until-idle", "--metrics-file", file]).current_dir(shop.folder());
        command.env_remove("DATABASE_URL").env_remove("RUST_LOG").output().unwrap()
    };
    fs::create_dir(shop.folder().join("metrics")).unwrap();
    let ended = work("metrics/shop-1.prom");
    assert!(ended.status.success(), "{ended:?}");
    let text = fs::read_to_string(shop.folder().join("metrics/shop-1.prom")).unwrap();
    let series = "fieldfen_jobs_ended_total{worker=\"shop-1\",kind=\"acme.count\",outcome=\"completed\"} 1";
    assert!(text.lines().any(|line| line == series), "{text}");
    let files: Vec<_> = fs::read_dir(shop.folder().join("metrics")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let refused = work("nowhere/shop-1.prom");
    let err = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && err.contains("cannot write the metrics to nowhere/shop-1.prom"), "{err}");
}

/// Starts a worker that works until it is idle.
#[cfg(unix)]
fn work(shop: &Shop, file: &std::path::Path) -> crate::shop_harness::ProgramOutput {
    shop.run(&["work", "--until-idle", "--metrics-file", file.to_str().unwrap()])
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_file_and_what_is_no_file_stays() {
    use std::os::unix::fs::{FileTypeExt as _, symlink};
    let shop = Shop::new();
    let path = |name: &str| shop.folder().join(name);
    fs::create_dir(path("elsewhere")).unwrap();
    fs::write(path("elsewhere/real.prom"), "old").unwrap();
    symlink("elsewhere/real.prom", path("link.prom")).unwrap();
    work(&shop, &path("link.prom")).ends_with(0);
    assert!(fs::symlink_metadata(path("link.prom")).unwrap().is_symlink());
    let text = fs::read_to_string(path("elsewhere/real.prom")).unwrap();
    assert!(text.contains("fieldfen_leases_lost_total{worker=\"link\"} 0"), "{text}");
    let socket = std::os::unix::net::UnixListener::bind(path("socket.prom")).unwrap();
    symlink("nowhere/real.prom", path("dangling.prom")).unwrap();
    for (name, rule) in [
        ("socket.prom", "a device or a pipe is there"),
        ("elsewhere", "a folder, a device"),
        ("dangling.prom", "the symbolic link leads nowhere"),
    ] {
        let refused = work(&shop, &path(name));
        refused.ends_with(1);
        assert!(refused.err.contains(rule), "{name}: {}", refused.err);
    }
    assert!(fs::symlink_metadata(path("socket.prom")).unwrap().file_type().is_socket());
    drop(socket);
}
