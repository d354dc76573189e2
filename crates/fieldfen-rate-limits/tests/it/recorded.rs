//! The recorded answers of Replicate.

use chrono::TimeDelta;
use fieldfen_rate_limits::{Answer, Charge, Dialect, Timestamp, read};

const RECORDED: &str = include_str!("replicate-recorded.tsv");

/// Status, remaining, reset, date, body.
fn rows() -> impl Iterator<Item = [&'static str; 5]> {
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect::<Vec<_>>().try_into().unwrap())
}

fn charges() -> Vec<Charge> {
    let charges = rows().flat_map(|[status, .., body]| {
        let answer = Answer::new(status.parse().unwrap(), Timestamp::UNIX_EPOCH).body(body.as_bytes());
        read(Dialect::Replicate, &answer).charges
    });
    charges.collect()
}

#[test]
fn all_226_answers_are_read_as_recorded() {
    let (mut read_limits, mut answers) = (0, 0);
    for row in rows() {
        let [status, remaining, reset, date, body] = row;
        let received_at: Timestamp = date.parse().unwrap();
        let names = ["Ratelimit-Remaining", "ratelimit-reset"];
        let headers = names.into_iter().zip([remaining, reset]).filter(|(_, value)| *value != "-");
        let answer = Answer::new(status.parse().unwrap(), received_at).headers(headers).body(body.as_bytes());
        for dialect in [Dialect::Replicate, Dialect::Generic] {
            let reading = read(dialect, &answer);
            assert!(!reading.throttled && reading.blocked.is_none() && reading.error_code.is_none(), "{row:?}");
            let limits = reading.limits.iter().map(|limit| (limit.remaining.unwrap(), limit.resets_at.unwrap()));
            let expected = (remaining != "-")
                .then(|| (remaining.parse().unwrap(), received_at + TimeDelta::seconds(reset.parse().unwrap())));
            assert_eq!(limits.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>(), "{row:?}");
            assert!(reading.limits.iter().all(|limit| limit.limit.is_none() && limit.window.is_none()), "{row:?}");
        }
        read_limits += usize::from(remaining != "-");
        answers += 1;
    }
    assert_eq!((answers, read_limits), (226, 219));
}

#[test]
fn the_eleven_predictions_that_have_ended_are_charged_for_the_time_they_ran() {
    let charges = charges();
    let recorded = charges.iter().map(|charge| (charge.external_id.as_str(), charge.micros("predict_time").unwrap()));
    let expected = [
        ("azaq55dbukgxg6kubr4k6g3pby", 5_524_512),
        ("bf2j533bnqflk24dcgfzsj4b7y", 13_505_116),
        ("d2sc6elbgccjryvjegi2pchpeu", 12_727_759),
        ("hdwst0bb05rgp0cf0p29mzk2am", 128_148), // cancelled
        ("hdwst0bb05rgp0cf0p29mzk2am", 128_148), // the same, asked for again
        ("mkc4phdb4m4f4y7itqmcok5qcu", 12_475_558),
        ("qixbyytbrnkrzlwb5ggxi6xnva", 11_859_389),
        ("vgcm4plb7tgzlyznry5d5jkgvu", 3_804_328),
        ("vgcm4plb7tgzlyznry5d5jkgvu", 3_804_328),
        ("vrsafsk7mnrgj0cf0p2ax766s4", 3), // cancelled
        ("xxi2kydbnla3ocjp64sclkewku", 3), // a cancelled training
    ];
    let mut recorded = recorded.collect::<Vec<_>>();
    recorded.sort_unstable();
    assert_eq!(recorded, expected);
    assert!(charges.iter().all(|charge| charge.billable));
}

#[test]
fn a_prediction_that_runs_is_pending() {
    let running = rows().filter(|[.., body]| body.contains(r#""starting""#) || body.contains(r#""processing""#));
    let pending = rows().flat_map(|[status, .., body]| {
        let answer = Answer::new(status.parse().unwrap(), Timestamp::UNIX_EPOCH).body(body.as_bytes());
        read(Dialect::Replicate, &answer).pending_charges
    });
    assert_eq!((running.count(), pending.count(), charges().len()), (168, 168, 11));
}
