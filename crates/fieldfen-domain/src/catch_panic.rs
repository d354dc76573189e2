//! Catches panics of a program's code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`. If it panics, returns the message of the panic.
///
/// Data that `f` was changing may be inconsistent after a panic, so `f` should own that data, or the caller should not
/// use it afterwards. This function drops the value that the panic carried. If that drop panics too, the value is
/// leaked.
///
/// # Errors
/// The message of the panic.
pub fn catch_panic<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let said = said(&*panic);
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(again);
        }
        said
    })
}

fn said(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        (None, None) => "without a message".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    struct PanicsWhenDropped(u32);

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Self(self.0 - 1));
            }
        }
    }

    #[test]
    fn a_panic_is_answered_with_what_it_said() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        assert_eq!(catch_panic(|| panic!("text")), Err::<(), _>("text".to_owned()));
        assert_eq!(catch_panic(|| panic!("text {}", 7)), Err::<(), _>("text 7".to_owned()));
        assert_eq!(catch_panic(|| panic_any(7)), Err::<(), _>("without a message".to_owned()));
    }

    #[test]
    fn what_a_panic_carries_may_panic_when_it_is_dropped() {
        for times in [1, 2, 3] {
            assert_eq!(
                catch_panic(|| panic_any(PanicsWhenDropped(times))),
                Err::<(), _>("without a message".to_owned())
            );
        }
    }
}
