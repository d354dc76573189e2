//! The number of looks at a store, and actions on its jobs.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use fieldfen_domain::job::JobFilter;
use fieldfen_domain::operator::{ActionKind, OperatorActionFilter};
use fieldfen_domain::store::Store as _;
use fieldfen_domain::{JobId, PageRequest};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_testkit::ModelStore;
use ratatui::layout::Size;

use super::asker::{Asker, Request};
use super::fixture::{Shop, ann, opened};
use super::job_act::{JobAct, Verb};
use super::look::Question;
use super::state::Event;

/// The shortest interval of the program.
const INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait for something that always comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// An asker in its thread.
struct Running {
    requests: Sender<Request>,
    events: Receiver<Event>,
}

fn question() -> Question {
    Question::first(Size::new(80, 24))
}

fn start(store: &ModelStore) -> Running {
    let store = store.clone();
    let connect = move || {
        let environment = Environment::system();
        Ok(opened(&store, ApiCosts::new(store.clone(), environment.clone()), &environment))
    };
    let new_action = |_: &str| Ok(ann());
    let database = (Box::new(connect) as _, Box::new(new_action) as _);
    let (asker, _) = Asker::open(database, Environment::system(), INTERVAL, question()).unwrap();
    let ((requests, asked), (answers, events)) = (mpsc::channel(), mpsc::channel());
    thread::spawn(move || asker.run(&asked, &answers));
    Running { requests, events }
}

impl Running {
    /// Waits for the next event.
    fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).unwrap()
    }

    /// The number of looks in this time.
    fn looks(&self, time: Duration) -> u32 {
        let (begin, mut looks) = (Instant::now(), 0);
        while let Some(rest) = time.checked_sub(begin.elapsed()) {
            looks += u32::from(matches!(self.events.recv_timeout(rest), Ok(Event::Looked(_))));
        }
        looks
    }
}

#[test]
fn a_store_that_is_written_all_the_time_is_asked_once_a_second_at_most() {
    let shop = Shop::empty();
    let asker = start(&shop.store);
    let writer = thread::spawn(move || {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(3500) {
            shop.enqueue("acme.count", "1");
            thread::sleep(Duration::from_millis(5));
        }
        shop
    });
    // New questions are no exception.
    asker.requests.send(Request::Ask(Question { filter: "--dead".to_owned(), ..question() })).unwrap();
    let (begin, mut times) = (Instant::now(), Vec::new());
    while times.len() < 3 {
        assert!(matches!(asker.event(), Event::Looked(_)));
        times.push(begin.elapsed());
    }
    for (number, time) in (1..).zip(&times) {
        // The asker began its interval a moment before this clock began.
        assert!(*time >= INTERVAL * number - INTERVAL / 10, "look {number} after {time:?}");
    }
    drop(writer.join().unwrap());
}

#[test]
fn nothing_is_asked_without_a_commit_or_while_paused() {
    let shop = Shop::empty();
    let asker = start(&shop.store);
    assert_eq!(asker.looks(3 * INTERVAL), 0, "nothing was committed");
    asker.requests.send(Request::Ask(Question { is_paused: true, ..question() })).unwrap();
    shop.enqueue("acme.count", "1");
    assert_eq!(asker.looks(2 * INTERVAL), 0, "it is paused");
    asker.requests.send(Request::Ask(question())).unwrap();
    let Event::Looked(look) = asker.event() else { panic!("no look") };
    assert_eq!(look.overview.kinds.len(), 1, "the commit of the pause is seen");
    shop.enqueue("acme.print", "1");
    let Event::Looked(look) = asker.event() else { panic!("no look") };
    assert_eq!(look.overview.kinds.len(), 2, "a commit is seen");
}

#[test]
fn an_action_is_recorded_with_its_operator() {
    let shop = Shop::empty();
    shop.enqueue("acme.count", "1");
    let job = shop.queue().list(&JobFilter::new(), &PageRequest::first(1)).unwrap().items[0].id;
    let asker = start(&shop.store);
    let cancel = |job| {
        asker.requests.send(Request::Act(JobAct { verb: Verb::Cancel, job, reason: "a test".to_owned() })).unwrap();
        loop {
            if let Event::Acted(answer) = asker.event() {
                return answer.unwrap();
            }
        }
    };
    assert_eq!(cancel(job), format!("job {job}: cancelled: done"));
    assert!(cancel(JobId::from_random(1)).contains("there is no such job"));
    let filter = OperatorActionFilter::default();
    let actions = shop.store.read(|s| s.operator_actions().page(&filter, &PageRequest::first(9))).unwrap().items;
    assert_eq!((actions[0].action.by().name(), actions[0].kind), ("ann", ActionKind::Cancel));
}
