//! The section `[[handler]]` of a `fieldfen.toml`.

use std::time::Duration;

use fieldfen_domain::job::JobKind;
use fieldfen_domain::with_causes;

use super::{HandlerProgram, ShopFile};

fn handlers(text: &str) -> Result<Vec<HandlerProgram>, String> {
    let shop = ShopFile::parse(text, "fieldfen.toml").shop().map_err(|error| with_causes(&error))?;
    shop.handlers().map_err(|error| error.to_string())
}

#[test]
fn a_handler_has_its_settings_and_defaults() {
    let text = r#"
        [[handler]]
        kind = "UpscaleImage"
        command = ["python3", "upscale.py"]
        timeout_seconds = 90
        concurrency = 2
        env = ["REPLICATE_API_TOKEN"]

        [[handler]]
        kind = "acme.thumbnail"
        command = ["./thumbnail.sh | gzip"]
        shell = true
    "#;
    let [upscale, thumbnail] = handlers(text).unwrap().try_into().unwrap();
    assert_eq!((upscale.kind, upscale.command), (JobKind::UpscaleImage, vec!["python3".into(), "upscale.py".into()]));
    assert_eq!((upscale.timeout, upscale.concurrency), (Duration::from_secs(90), Some(2)));
    assert_eq!((upscale.env, upscale.shell), (vec!["REPLICATE_API_TOKEN".to_owned()], false));
    assert_eq!((thumbnail.timeout, thumbnail.concurrency, thumbnail.shell), (Duration::from_secs(3600), None, true));
}

#[test]
fn a_wrong_handler_is_named_with_its_place_and_the_rule() {
    for (setting, problem) in [
        ("kind = \"a.b\"\ncommand = []", "line 3, column 11: handler #1, command is []: it must name a program"),
        (
            "kind = \"a.b\"\ncommand = [\" \"]",
            "handler #1, command is [\" \"]: the name of the program must not be blank",
        ),
        ("kind = \"a.b\"\ncommand = [\"x\", \"y\"]\nshell = true", "it must be one line for the shell"),
        (
            "kind = \"a.b\"\ncommand = [\"x\"]\ntimeout_seconds = 0",
            "line 4, column 19: handler #1, timeout_seconds is 0",
        ),
        ("kind = \"a.b\"\ncommand = [\"x\"]\ntimeout_seconds = 604801", "it must be 1 to 604800"),
        ("kind = \"a.b\"\ncommand = [\"x\"]\nconcurrency = 0", "handler #1, concurrency is 0: it must be at least 1"),
        ("kind = \"a.b\"\ncommand = [\"x\"]\nenv = [\"KEY=1\"]", "handler #1, env is \"KEY=1\""),
        ("kind = \"a.b\"\ncommand = [\"x\"]\nenv = [\"FIELDFEN_JOB_ID\"]", "for the worker itself"),
        (
            "kind = \"CreateListing\"\ncommand = [\"x\"]",
            "line 2, column 8: handler #1, kind is \"CreateListing\": a publishing job",
        ),
        ("kind = \"DeleteFile\"\ncommand = [\"x\"]", "fieldfen deletes files itself"),
        ("kind = \"fieldfen.upkeep\"\ncommand = [\"x\"]", "its own kinds"),
        ("kind = \"a b\"\ncommand = [\"x\"]", "line 2, column 8: handler #1, kind:"),
        ("kind = \"a.b\"\ncommand = \"x\"", "line 3, column 11: handler #1, command:"),
        ("kind = \"a.b\"\ncommand = [\"x\"]\ntime_out = 3", "line 4, column 1: handler #1, time_out:"),
        (
            "kind = \"a.b\"\ncommand = [\"x\"]\non_worker_death = \"park\"",
            "line 4, column 19: handler #1, on_worker_death: consequence of a worker's death \"park\" is unknown",
        ),
        (
            "kind = \"a.b\"\ncommand = [\"x\"]\n[[handler]]\nkind = \"a.b\"\ncommand = [\"y\"]",
            "line 5, column 8: handler #2, kind is \"a.b\": handler #1 is for this kind too",
        ),
    ] {
        let error = handlers(&format!("[[handler]]\n{setting}\n")).unwrap_err();
        assert!(error.contains(problem), "{setting}: {error}");
    }
}

#[test]
fn the_consequence_of_a_workers_death_stands_in_one_place_or_is_the_same_in_both() {
    use fieldfen_domain::job::OnWorkerDeath::{Fail, Hold, Retry};
    let text = |section: &str| {
        format!(
            "[on_worker_death]\n{section}\n[[handler]]\nkind = \"a.b\"\ncommand = [\"x\"]\non_worker_death = \"hold\"\n"
        )
    };
    let rules = |section: &str| ShopFile::parse(text(section), "fieldfen.toml").shop();
    let shop = rules("otherwise = \"fail\"\nUpscaleImage = \"retry\"\nown = { \"a.b\" = \"hold\" }").unwrap();
    let policies = shop.retry_policies();
    let of = |kind: &str| policies.of(&kind.parse().unwrap()).on_worker_death;
    assert_eq!(["a.b", "UpscaleImage", "a.c"].map(of), [Hold, Retry, Fail].map(Some));
    let error = with_causes(&rules("own = { \"a.b\" = \"fail\" }").unwrap_err());
    let expected =
        "handler #1, on_worker_death is \"hold\": [on_worker_death] says fail for a.b: leave one of the two out";
    assert!(error.contains(expected), "{error}");
}
