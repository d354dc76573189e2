//! Panics of code that is not ours.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`; when it panics, the answer is what the panic said.
///
/// Whatever `f` was in the middle of stays as it is, so that `f` should own what it changes, or the caller should not
/// rely on it afterwards. The value that the panic carried is dropped here; when that panics too, it is forgotten.
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
