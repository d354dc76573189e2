//! The answers of the state to keys, looks and signals.

use fieldfen_domain::job::JobActionOutcome;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Size;

use super::dialog::Dialog;
use super::fixture::{Shop, View, ann};
use super::job_act::{JobAct, Verb};
use super::look::Question;
use super::pane::Pane;
use super::row::Target;
use super::state::{Effect, Event};

fn asked(effects: &[Effect]) -> Option<&Question> {
    effects.iter().find_map(|effect| if let Effect::Ask(question) = effect { Some(question) } else { None })
}

/// The view on the list of the dead letters of a busy shop.
fn dead_letters() -> View {
    let mut view = Shop::busy().view(80, 24);
    view.go(KeyCode::Char('4'));
    view.go(KeyCode::Enter);
    assert_eq!(view.state.rows(Pane::Jobs).unwrap().len(), 2);
    view
}

#[test]
fn the_question_is_only_about_what_is_on_the_screen() {
    let mut view = Shop::busy().view(80, 24);
    assert_eq!(view.state.question().panes, [Pane::Needs]);
    assert!(view.state.rows(Pane::Failures).is_none(), "nobody has asked for them");
    let effects = view.press(KeyCode::Tab);
    assert_eq!(asked(&effects).unwrap().panes, [Pane::Queue]);
    assert_eq!(view.press(KeyCode::Down), [], "the same panes are the same question");
    let effects = view.event(Event::Resized(Size::new(200, 50)));
    assert_eq!(asked(&effects).unwrap().panes, Pane::ALL);
    let effects = view.press(KeyCode::Char('p'));
    assert!(asked(&effects).unwrap().is_paused);
    let effects = view.press(KeyCode::Char('p'));
    assert!(!asked(&effects).unwrap().is_paused);
}

#[test]
fn keys_go_through_the_panes_in_a_circle() {
    let mut view = Shop::empty().view(80, 24);
    let keys = [KeyCode::Tab, KeyCode::Right, KeyCode::Char('6'), KeyCode::Tab, KeyCode::BackTab, KeyCode::Left];
    let panes = [Pane::Queue, Pane::Jobs, Pane::Workers, Pane::Needs, Pane::Workers, Pane::Limits];
    for (key, pane) in keys.into_iter().zip(panes) {
        view.press(key);
        assert_eq!(view.state.pane, pane, "{key:?}");
    }
}

#[test]
fn the_choice_stays_on_its_row_while_the_list_changes() {
    let mut view = Shop::busy().view(80, 24);
    view.go(KeyCode::Char('3'));
    view.press(KeyCode::Down);
    view.press(KeyCode::Down);
    let chosen = view.state.job().unwrap();
    view.shop.enqueue("acme.new", "1");
    view.look();
    assert_eq!(view.state.job().unwrap(), chosen, "a new job is above it");
    assert_eq!(view.state.place(Pane::Jobs, &view.state.rows(Pane::Jobs).unwrap()), 3);

    view.press(KeyCode::End);
    let (last, _) = view.state.job().unwrap();
    view.press(KeyCode::Down);
    assert_eq!(view.state.job().unwrap().0, last, "nothing is below the last row");
    assert_eq!(view.shop.queue().delete(&last, &ann()).unwrap(), JobActionOutcome::Done);
    view.look();
    assert_ne!(view.state.job().unwrap().0, last, "the row that is the last one now is chosen");
    view.press(KeyCode::Home);
    view.press(KeyCode::Up);
    assert_eq!(view.state.place(Pane::Jobs, &view.state.rows(Pane::Jobs).unwrap()), 0);
}

#[test]
fn a_row_opens_a_job_or_the_list_of_its_jobs() {
    let mut view = dead_letters();
    assert!(view.state.filter.starts_with("--dead --kind=acme.upscale '--fingerprint=cannot open"));
    let effects = view.press(KeyCode::Enter);
    let open = view.state.open.clone().unwrap();
    assert_eq!(asked(&effects).unwrap().job, Some(open.id));
    assert!(view.state.job_lines().last().unwrap().contains("reading"), "{:?}", view.state.job_lines());
    view.look();
    let lines = view.state.job_lines().join("\n");
    for part in ["has failed for good", "{\"picture\": ", "attempt     1, failed", "no space is left\\u{202e}, 狐"] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    assert_eq!(view.shop.queue().delete(&open.id, &ann()).unwrap(), JobActionOutcome::Done);
    view.look();
    assert!(view.state.job_lines().join("\n").contains("not there any more"));
    view.press(KeyCode::Esc);
    assert_eq!((view.state.open.is_none(), view.state.pane), (true, Pane::Jobs));
    view.press(KeyCode::Esc);
    assert_eq!(view.state.filter, "", "the second one clears the filter");
    assert!(view.state.rows(Pane::Jobs).is_none(), "the answer to the former filter is not shown");
}

#[test]
fn a_need_opens_its_jobs() {
    let mut view = Shop::busy().view(80, 24);
    let targets: Vec<_> = view.state.rows(Pane::Needs).unwrap().into_iter().map(|row| row.target).collect();
    assert!(targets.contains(&Target::Filter("--dead --kind=acme.upscale".to_owned())), "{targets:?}");
    assert!(targets.contains(&Target::Filter("--status=pending --kind=acme.print".to_owned())), "{targets:?}");
    assert!(targets.iter().any(|target| matches!(target, Target::Job(_, kind) if kind == "acme.describe")));
    assert!(targets.contains(&Target::None), "a pause opens nothing");
    while view.state.chosen() != Target::None {
        view.press(KeyCode::Down);
    }
    view.press(KeyCode::Enter);
    assert_eq!((view.state.pane, view.state.open.is_none()), (Pane::Needs, true));
    let Some(Dialog::Row(cells)) = &view.state.dialog else { panic!("the row is not shown whole") };
    assert!(cells.iter().any(|cell| cell.starts_with("fieldfen resume")), "{cells:?}");
    view.press(KeyCode::Enter);
    assert!(view.state.dialog.is_none());
}

#[test]
fn a_retry_is_confirmed_and_a_cancellation_needs_a_reason() {
    let mut view = dead_letters();
    let (job, _) = view.state.job().unwrap();
    view.press(KeyCode::Char('r'));
    assert_eq!(view.press(KeyCode::Esc), [], "nothing is done without a confirmation");
    view.press(KeyCode::Char('r'));
    let act = |verb, reason: &str| Effect::Act(JobAct { verb, job, reason: reason.to_owned() });
    assert_eq!(view.press(KeyCode::Enter), [act(Verb::Retry, "no reason given")]);
    view.press(KeyCode::Char('c'));
    assert!(view.state.dialog.is_none() && view.state.message.is_some(), "one action at a time");
    view.event(Event::Acted(Ok("done".to_owned())));
    assert_eq!(view.state.message.as_deref(), Some("done"));

    view.press(KeyCode::Char('c'));
    assert_eq!(view.press(KeyCode::Enter), []);
    assert!(matches!(&view.state.dialog, Some(Dialog::Confirm { error: Some(_), .. })));
    view.type_text("q?/p wrong picturs");
    view.press(KeyCode::Backspace);
    view.type_text("e");
    assert_eq!(view.press(KeyCode::Enter), [act(Verb::Cancel, "q?/p wrong picture")], "keys are letters in a dialog");
    view.event(Event::Acted(Err("the database is full".to_owned())));
    assert_eq!(view.state.message.as_deref(), Some("not done: the database is full"));
}

#[test]
fn an_action_needs_a_job() {
    let mut view = Shop::busy().view(80, 24);
    view.go(KeyCode::Char('4'));
    view.press(KeyCode::Char('r'));
    assert!(view.state.dialog.is_none());
    assert!(view.state.message.as_ref().unwrap().contains("choose a job"), "{:?}", view.state.message);
    view.go(KeyCode::Char('6'));
    view.press(KeyCode::Down);
    view.press(KeyCode::Char('c'));
    assert!(matches!(&view.state.dialog, Some(Dialog::Confirm { kind, .. }) if kind == "acme.count"), "a running job");
}

#[test]
fn a_filter_is_checked_before_it_is_applied() {
    let mut view = Shop::busy().view(80, 24);
    view.press(KeyCode::Char('/'));
    view.type_text("--kind acme.count --status complete");
    assert_eq!(view.press(KeyCode::Enter), []);
    assert!(
        matches!(&view.state.dialog, Some(Dialog::Filter { error: Some(error), .. }) if error.contains("complete"))
    );
    view.type_text("d");
    let effects = view.press(KeyCode::Enter);
    assert_eq!(asked(&effects).unwrap().filter, "--kind acme.count --status completed");
    view.look();
    assert_eq!((view.state.pane, view.state.rows(Pane::Jobs).unwrap().len()), (Pane::Jobs, 4));
    view.press(KeyCode::Char('/'));
    view.control('w');
    view.control('w');
    view.press(KeyCode::Enter);
    assert_eq!(view.state.filter, "--kind acme.count");
    view.press(KeyCode::Char('/'));
    view.control('u');
    view.press(KeyCode::Enter);
    assert_eq!(view.state.filter, "");
}

#[test]
fn a_pasted_text_is_no_key() {
    let mut view = dead_letters();
    assert_eq!(view.event(Event::Pasted("r\rq\n".to_owned())), []);
    assert!(view.state.dialog.is_none());
    view.press(KeyCode::Char('r'));
    assert_eq!(view.event(Event::Pasted("paper\nis\u{1b}[2J back\r".to_owned())), []);
    let Effect::Act(act) = &view.press(KeyCode::Enter)[0] else { panic!("no action") };
    assert_eq!(act.reason, "paper is[2J back");
}

#[test]
fn the_view_ends_at_once_but_waits_for_the_answer_to_an_action() {
    let mut view = dead_letters();
    assert_eq!(view.press(KeyCode::Char('q')), [Effect::Quit]);
    assert_eq!(view.control('c'), [Effect::Quit]);
    assert_eq!(view.event(Event::End), [Effect::Quit]);
    assert_eq!(view.event(Event::Broken("gone".to_owned())), [Effect::Fail("gone".to_owned())]);
    view.press(KeyCode::Char('r'));
    assert_eq!(view.control('c'), [Effect::Quit], "in a dialog too");
    view.press(KeyCode::Enter);
    assert_eq!(view.press(KeyCode::Char('q')), []);
    assert_eq!(view.event(Event::Acted(Ok("done".to_owned()))), [Effect::Quit]);
    assert_eq!(view.press(KeyCode::Char('q')), [Effect::Quit]);
}

#[test]
fn a_stopped_process_leaves_the_screen_and_draws_it_again() {
    let mut view = Shop::empty().view(80, 24);
    assert_eq!(view.control('z'), [Effect::Suspend]);
    assert_eq!(view.event(Event::Suspend), [Effect::Suspend]);
    assert_eq!(view.event(Event::Resumed), [Effect::Redraw]);
    assert_eq!(view.control('l'), [Effect::Redraw]);
}

#[test]
fn an_error_stays_until_a_look_succeeds_and_takes_nothing_away() {
    let mut view = dead_letters();
    view.event(Event::NotLooked("another file has taken the place".to_owned()));
    view.event(Event::Tick);
    assert!(view.state.error.is_some());
    assert_eq!(view.state.rows(Pane::Jobs).unwrap().len(), 2);
    view.look();
    assert_eq!(view.state.error, None);
}

#[test]
fn each_completed_job_is_counted_in_one_look() {
    let mut view = Shop::busy().view(80, 24);
    assert_eq!(view.state.throughput.bars(10).iter().sum::<u64>(), 0, "what was done before is not counted");
    view.shop.enqueue("acme.upscale", "1");
    for job in view.shop.claim("acme.upscale", 9) {
        assert!(view.shop.queue().complete(&job, &mut fieldfen_services::queue::Completion::new()).unwrap().is_done());
    }
    for _ in 0..4 {
        view.look();
    }
    assert_eq!(view.state.throughput.bars(10).iter().sum::<u64>(), 2);
}
