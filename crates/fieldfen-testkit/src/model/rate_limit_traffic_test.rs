//! Simulated traffic to services with limits, on the model store.

use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, RngSeed};

use super::ModelStore;
use crate::conformance::{Traffic, TrafficFigures, rate_limit_traffic};

const USUAL: Traffic = Traffic {
    seed: 1,
    clients: 8,
    limit: 500,
    window: 60,
    windows: 10,
    latency: 60_000,
    lost: 0,
    others: 0,
    says: true,
    halves: false,
};

fn figures(traffic: Traffic) -> TrafficFigures {
    rate_limit_traffic(&ModelStore::new(), traffic)
}

#[test]
fn all_but_one_per_cent_of_the_limit_is_used_and_nothing_more() {
    for seed in 0..2 {
        for says in [false, true] {
            for (clients, limit) in [(8, 500), (1, 50), (16, 100), (3, 1000)] {
                let traffic = Traffic { seed, clients, limit, says, ..USUAL };
                let figures = figures(traffic);
                assert_eq!(figures.refused, 0, "{traffic:?}");
                assert!(figures.taken * 100 >= figures.possible * 99, "{traffic:?}: {figures:?}");
            }
        }
    }
}

#[test]
fn after_the_limit_has_fallen_only_calls_in_flight_are_refused() {
    for seed in 0..10 {
        let traffic = Traffic { seed, halves: true, ..USUAL };
        let figures = figures(traffic);
        assert!(figures.refused <= traffic.clients, "{traffic:?}: {figures:?}");
        assert!(figures.taken > figures.possible * 70 / 100, "{traffic:?}: {figures:?}");
    }
}

#[test]
fn calls_of_other_programs_are_counted_when_answers_tell_of_them() {
    for seed in 0..3 {
        let traffic = Traffic { seed, others: 3, ..USUAL };
        let heard = figures(traffic);
        let unheard = figures(Traffic { says: false, ..traffic });
        assert!(heard.refused * 100 <= heard.possible, "{traffic:?}: {heard:?}");
        assert!(heard.refused < unheard.refused, "{traffic:?}: {heard:?}, {unheard:?}");
        assert!(heard.taken * 100 >= heard.possible * 90, "{traffic:?}: {heard:?}");
    }
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_261_126),
        named @ RngSeed::Fixed(_) => named,
    };
    ProptestConfig { rng_seed, failure_persistence: None, cases: default.cases / 4, ..default }
}

proptest! {
    #![proptest_config(config())]

    /// Clients start late, answers overtake each other, processes die with calls on their way.
    #[test]
    fn no_call_is_ever_beyond_the_limit(
        seed: u64,
        clients in 1..20_usize,
        limit in 1..200_usize,
        window in 1..100_i64,
        latency in 1..1_400_000_i64,
        lost in prop_oneof![Just(0_u64), 2..50_u64],
        says: bool,
    ) {
        let traffic = Traffic { seed, clients, limit, window, windows: 6, latency, lost, says, ..USUAL };
        prop_assert_eq!(figures(traffic).refused, 0, "{:?}", traffic);
    }
}
