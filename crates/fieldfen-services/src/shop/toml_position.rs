//! Finds the position of a setting in a file, and the setting at a position.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::setting::{Setting, Step};

/// The position of a setting. If the setting is missing, the position of the innermost part that exists.
pub(super) fn span_of(table: &DeTable<'_>, setting: &Setting) -> Range<usize> {
    let mut at: Option<&Spanned<DeValue<'_>>> = None;
    for step in &setting.0 {
        let next = match (step, at.map(Spanned::get_ref)) {
            (Step::Key(name), None) => table.get(name.as_str()),
            (Step::Key(name), Some(DeValue::Table(table))) => table.get(name.as_str()),
            (Step::Item(index), Some(DeValue::Array(items))) => items.get(*index),
            _ => None,
        };
        match next {
            Some(next) => at = Some(next),
            None => break,
        }
    }
    at.map_or(0..0, Spanned::span)
}

/// The innermost setting whose name or value contains this part of the text.
pub(super) fn setting_at(table: &DeTable<'_>, part: &Range<usize>) -> Option<Setting> {
    steps_in_table(table, part).map(Setting)
}

fn steps_in_table(table: &DeTable<'_>, part: &Range<usize>) -> Option<Vec<Step>> {
    table.iter().find_map(|(name, value)| {
        let steps = steps_in(value, part).or_else(|| holds(&name.span(), part).then(Vec::new))?;
        Some(behind(Step::Key(name.get_ref().to_string()), steps))
    })
}

/// The steps from a value to the part. Inner values are checked first: the span of a section is only its heading.
fn steps_in(value: &Spanned<DeValue<'_>>, part: &Range<usize>) -> Option<Vec<Step>> {
    let inner = match value.get_ref() {
        DeValue::Table(table) => steps_in_table(table, part),
        DeValue::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| Some(behind(Step::Item(index), steps_in(item, part)?)))
        }
        _ => None,
    };
    inner.or_else(|| holds(&value.span(), part).then(Vec::new))
}

fn behind(first: Step, mut steps: Vec<Step>) -> Vec<Step> {
    steps.insert(0, first);
    steps
}

const fn holds(whole: &Range<usize>, part: &Range<usize>) -> bool {
    whole.start <= part.start && part.end <= whole.end
}
