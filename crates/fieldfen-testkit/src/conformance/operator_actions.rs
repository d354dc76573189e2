//! Operators' actions.

use fieldfen_domain::OperatorActionId;
use fieldfen_domain::job::JobActionOutcome;
use fieldfen_domain::operator::{
    Action, ActionKind, ActionOutcome, Actor, OperatorAction, OperatorActionFilter, Subject, Via,
};
use fieldfen_domain::store::{Store, StoreError};

use super::operations::{On, walk, with_nanoseconds};
use super::{Case, named};
use crate::fixtures::{at, file_id, job, job_id, operator_action, publication_id, recurring_name};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["operator_actions":
        an_action_is_kept_as_it_was_recorded,
        an_action_is_recorded_once_whatever_the_clock_says,
        old_actions_are_pruned_the_oldest_first,
        actions_are_listed_by_subject_and_by_actor,
        an_action_stands_or_falls_with_its_transaction,
        an_action_outlives_its_subject,
    ]
}

fn record<S: Store>(on: &On<'_, S>, action: &OperatorAction) {
    on.write(|s| s.operator_actions().record(action));
}

fn actions<S: Store>(on: &On<'_, S>, filter: &OperatorActionFilter) -> Vec<OperatorAction> {
    walk(|page| on.read(|s| s.operator_actions().page(filter, page)))
}

fn an_action_is_kept_as_it_was_recorded<S: Store>(store: &S) {
    let on = On(store);
    let by = Actor::new("Ann <ann@shop.example>", Via::Console).unwrap();
    let id = OperatorActionId::from_random(1);
    let recorded = OperatorAction::new(
        id,
        at(5),
        Action::new(by, "a reason\nof two lines").unwrap(),
        ActionKind::NothingIsThere,
        Subject::Publication(publication_id(1)),
        ActionOutcome::NotFound,
    );
    record(&on, &with!(recorded.clone(), at: with_nanoseconds(at(5))));
    assert_eq!(on.read(|s| s.operator_actions().find(&id)).as_ref(), Some(&recorded));
    assert_eq!(actions(&on, &OperatorActionFilter::all()), [recorded]);
    assert_eq!(on.read(|s| s.operator_actions().find(&OperatorActionId::from_random(2))), None);
}

fn an_action_is_recorded_once_whatever_the_clock_says<S: Store>(store: &S) {
    let on = On(store);
    let action = operator_action(1, "ann", Subject::Job(job_id(1)), at(5));
    record(&on, &action);
    let again = with!(action.clone(), at: at(1));
    let error = on.refuse(|s| s.operator_actions().record(&again));
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error:?}");
    let same = operator_action(2, "ann", Subject::Job(job_id(1)), at(5));
    record(&on, &same);
    assert_eq!(actions(&on, &OperatorActionFilter::all()), [action, same]);
}

fn old_actions_are_pruned_the_oldest_first<S: Store>(store: &S) {
    let on = On(store);
    let times = [30, 10, 20, 10, 40];
    let recorded = [1, 2, 3, 4, 5].map(|number: u64| {
        let at = at(times[usize::try_from(number - 1).unwrap_or_default()]);
        let action = operator_action(number, "ann", Subject::Job(job_id(number)), at);
        record(&on, &action);
        action
    });
    let prune = |before, limit| on.write(|s| s.operator_actions().prune(before, limit));
    let left = |numbers: &[usize]| numbers.iter().map(|number| recorded[number - 1].clone()).collect::<Vec<_>>();
    assert_eq!(prune(at(10), 9), 0, "what was done at that very time stays");
    assert_eq!(prune(at(40), 1), 1);
    assert_eq!(actions(&on, &OperatorActionFilter::all()), left(&[1, 3, 4, 5]));
    assert_eq!(prune(at(40), 2), 2);
    assert_eq!(actions(&on, &OperatorActionFilter::all()), left(&[1, 5]));
    assert_eq!(prune(with_nanoseconds(at(40)), 9), 1);
    assert_eq!(actions(&on, &OperatorActionFilter::all()), left(&[5]));
    assert_eq!(on.read(|s| s.operator_actions().find(&recorded[0].id)), None);
}

fn actions_are_listed_by_subject_and_by_actor<S: Store>(store: &S) {
    let on = On(store);
    let subjects = [
        Subject::File(file_id(1)),
        Subject::Job(job_id(1)),
        Subject::Recurring(recurring_name("upkeep")),
        Subject::File(file_id(2)),
        Subject::File(file_id(1)),
    ];
    let recorded: Vec<_> = (0..20)
        .map(|number: i64| {
            let by = if number % 3 == 0 { "ann" } else { "bo" };
            let subject = &subjects[usize::try_from(number).unwrap_or_default() % subjects.len()];
            // Later rows have earlier times: the order is that of insertion.
            operator_action(number.unsigned_abs(), by, subject.clone(), at(100 - number))
        })
        .collect();
    for action in &recorded {
        record(&on, action);
    }
    let expected = |wanted: &dyn Fn(&OperatorAction) -> bool| {
        recorded.iter().filter(|action| wanted(action)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(actions(&on, &OperatorActionFilter::all()), recorded);
    let ann = |action: &OperatorAction| action.action.by().name() == "ann";
    assert_eq!(actions(&on, &OperatorActionFilter::all().by("ann")), expected(&ann));
    for subject in &subjects {
        let filter = OperatorActionFilter::of(subject.clone());
        assert_eq!(actions(&on, &filter), expected(&|action| action.subject == *subject), "{subject}");
        let of_ann = expected(&|action| action.subject == *subject && ann(action));
        assert_eq!(actions(&on, &filter.by("ann")), of_ann, "{subject}");
    }
    assert_eq!(actions(&on, &OperatorActionFilter::of(Subject::Job(job_id(2)))), []);
    assert_eq!(actions(&on, &OperatorActionFilter::all().by("an")), []);
    let (since, until) = (at(85), at(95));
    let first = OperatorActionFilter::of(subjects[0].clone());
    for filter in [OperatorActionFilter::all(), OperatorActionFilter::all().by("ann"), first.clone(), first.by("ann")] {
        let wanted = |action: &OperatorAction| {
            filter.by.as_ref().is_none_or(|_| ann(action))
                && filter.subject.as_ref().is_none_or(|subject| action.subject == *subject)
        };
        let from = expected(&|action| wanted(action) && action.at >= since);
        assert_eq!(actions(&on, &filter.clone().since(since)), from, "{filter:?}");
        let below = expected(&|action| wanted(action) && action.at < until);
        assert_eq!(actions(&on, &filter.clone().until(with_nanoseconds(until))), below, "{filter:?}");
        let kind = recorded[0].kind;
        let both = expected(&|action| wanted(action) && (since..until).contains(&action.at));
        assert_eq!(actions(&on, &filter.clone().kind(kind).since(since).until(until)), both, "{filter:?}");
        assert_eq!(actions(&on, &filter.clone().kind(ActionKind::NothingIsThere)), [], "{filter:?}");
    }
}

fn an_action_stands_or_falls_with_its_transaction<S: Store>(store: &S) {
    let on = On(store);
    let action = operator_action(1, "ann", Subject::Job(job_id(1)), at(1));
    on.refuse(|s| {
        s.operator_actions().record(&action)?;
        Err::<(), _>(StoreError::Nested)
    });
    assert_eq!(actions(&on, &OperatorActionFilter::all()), []);
}

fn an_action_outlives_its_subject<S: Store>(store: &S) {
    let on = On(store);
    on.enqueue(&job(1));
    let action = operator_action(1, "ann", Subject::Job(job_id(1)), at(1));
    let deleted = on.write(|s| {
        s.operator_actions().record(&action)?;
        s.job_actions().delete(&job_id(1))
    });
    assert_eq!(deleted, JobActionOutcome::Done);
    assert_eq!(actions(&on, &OperatorActionFilter::of(Subject::Job(job_id(1)))), [action]);
}
