//! SIGKILL at random moments.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_testkit::wait::exit_status;

use crate::pipeline_process::{Workdir, program};

/// The default number of kills; `FIELDFEN_PIPELINE_KILLS` sets another.
const KILLS: u32 = 50;

/// The default seed of the moments; `FIELDFEN_PIPELINE_SEED` sets another.
const SEED: u64 = 20_261_124;

#[test]
fn killed_at_any_moment_it_publishes_each_picture_exactly_once() {
    let setting = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let kills: u32 = setting("FIELDFEN_PIPELINE_KILLS").map_or(KILLS, |n: u64| u32::try_from(n).unwrap());
    let seed: u64 = setting("FIELDFEN_PIPELINE_SEED").unwrap_or(SEED);
    println!("FIELDFEN_PIPELINE_SEED={seed} FIELDFEN_PIPELINE_KILLS={kills}");
    let mut random = Random(seed);

    program();
    let undisturbed = Workdir::samples();
    let started = Instant::now();
    undisturbed.run();
    // The time of a run without other load on the machine; the shortest one counts.
    let mut full = started.elapsed();
    undisturbed.assert_done(6);

    let (mut done, mut rounds) = (0, 0);
    while done < kills {
        let workdir = Workdir::samples();
        rounds += 1;
        assert!(rounds <= 10 + 10 * kills, "{done} kills in {rounds} rounds: the pipeline ends before it is killed");
        let mut moments = Vec::new();
        while done < kills {
            let started = Instant::now();
            let mut child = workdir.start();
            // The moments range from before the creation of the database to after the last publication.
            let moment = full.mul_f64(1.1 * random.part());
            let ended = loop {
                match child.try_wait().unwrap() {
                    None if started.elapsed() < moment => thread::sleep(Duration::from_millis(1)),
                    ended => break ended,
                }
            };
            if let Some(status) = ended {
                assert!(status.success(), "{status}");
                if moments.is_empty() {
                    full = full.min(started.elapsed());
                }
                break;
            }
            child.kill().unwrap();
            exit_status(&mut child);
            moments.push(moment);
            done += 1;
        }
        println!("round {rounds}: a full run takes {full:.1?}, killed after {moments:.1?}");
        let document = workdir.run();
        assert_eq!(document["published"], 6, "{document:#}");
        workdir.assert_done(6);
        assert_same_pictures(&workdir, &undisturbed);
    }
    println!("{done} kills in {rounds} rounds");
}

/// Checks that every print and preview has the same bytes as in an undisturbed run.
fn assert_same_pictures(workdir: &Workdir, undisturbed: &Workdir) {
    for part in ["data/pictures/prints", "data/pictures/previews"] {
        assert_eq!(workdir.names(part), undisturbed.names(part));
        for name in workdir.names(part) {
            let path = format!("{part}/{name}");
            assert!(fs::read(workdir.path(&path)).unwrap() == fs::read(undisturbed.path(&path)).unwrap(), "{path}");
        }
    }
}

#[test]
fn two_at_once_publish_each_picture_once() {
    let workdir = Workdir::samples();
    let mut both = [workdir.start(), workdir.start()];
    for child in &mut both {
        let status = exit_status(child);
        assert!(status.success(), "{status}");
    }
    workdir.assert_done(6);
}

/// A sequence of numbers that looks random and can be repeated (xorshift).
struct Random(u64);

impl Random {
    /// A number from 0 to 1.
    fn part(&mut self) -> f64 {
        self.0 |= 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
