//! The section `[[recurring]]` of a `fieldfen.toml`.

use fieldfen_domain::with_causes;

use super::ShopFile;
use crate::recurring::Definition;

fn recurring(text: &str) -> Result<Vec<Definition>, String> {
    let shop = ShopFile::parse(text, "fieldfen.toml").shop().map_err(|error| with_causes(&error))?;
    shop.recurring().map_err(|error| error.to_string())
}

#[test]
fn recurring_work_has_its_settings_and_defaults() {
    let text = r#"
        [[recurring]]
        name = "report"
        schedule = "30 6 * * MON"
        time_zone = "Europe/Berlin"
        kind = "acme.report"
        payload = { days = 7, share = 0.5, shops = ["etsy", "ebay"], last = { full = true } }
        account = "etsy/main"

        [[recurring]]
        name = "sweep"
        schedule = "@hourly"
        kind = "acme.sweep"
    "#;
    let [report, sweep] = recurring(text).unwrap().try_into().unwrap();
    assert_eq!((report.name.as_str(), report.kind.as_str()), ("report", "acme.report"));
    assert_eq!((report.schedule.as_str(), report.schedule.time_zone().as_str()), ("30 6 * * MON", "Europe/Berlin"));
    assert_eq!(
        report.payload.unwrap().as_str(),
        r#"{"days":7,"last":{"full":true},"share":0.5,"shops":["etsy","ebay"]}"#
    );
    assert_eq!(report.account.unwrap().as_str(), "etsy/main");
    assert_eq!((sweep.schedule.time_zone().as_str(), sweep.payload, sweep.account), ("UTC", None, None));
}

#[test]
fn a_wrong_setting_is_named_with_its_place_and_the_rule() {
    let work = |settings: &str| format!("[[recurring]]\nkind = \"a.b\"\n{settings}");
    let named = |settings: &str| work(&format!("name = \"n\"\nschedule = \"0 3 * * *\"\n{settings}"));
    for (text, problem) in [
        (work("name = \"n\""), "missing field `schedule`"),
        (
            work("name = \"two words\"\nschedule = \"@daily\""),
            "line 3, column 8: recurring #1, name is \"two words\": name of recurring work \"two words\" must be 1 to 64",
        ),
        (
            work("name = \"fieldfen.upkeep\"\nschedule = \"@daily\""),
            "recurring #1, name is \"fieldfen.upkeep\": names that begin with fieldfen.",
        ),
        (
            work("name = \"n\"\nschedule = \"0 25 * * *\""),
            "line 4, column 12: recurring #1, schedule is \"0 25 * * *\": schedule \"0 25 * * *\": it must be a cron",
        ),
        (
            named("time_zone = \"Berlin\""),
            "line 5, column 13: recurring #1, time_zone is \"Berlin\": time zone \"Berlin\"",
        ),
        (named("account = \"/main\""), "recurring #1, account is \"/main\": account \"/main\" must be a service"),
        (named("payload = { at = 2026-01-01 }"), "JSON has no dates"),
        (named("payload = nan"), "NaN is no number that JSON can write"),
        (named("every = 5"), "unknown field `every`"),
        (
            format!("{}\n{}", named(""), named("")),
            "line 8, column 8: recurring #2, name is \"n\": recurring #1 has this name",
        ),
    ] {
        let error = recurring(&text).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}
