//! What a binding makes of a token once and hands out again and again: its host's own string or tuple.

use once_cell::race::OnceBox;
use std::any::Any;

/// One value of the host's, once it is there. Lock-free, as a fork may catch it while it is being filled.
#[derive(Default)]
pub(crate) struct HostValue(OnceBox<Box<dyn Any + Send + Sync>>);

impl HostValue {
    /// The value, made by the first call; none if another type was put there before. Of threads that come first at
    /// the same time each makes one, and all get the same.
    pub(crate) fn get_or_try<T, E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Option<&T>, E>
    where
        T: Any + Send + Sync,
    {
        let value: &Box<dyn Any + Send + Sync> = match self.0.get() {
            Some(value) => value,
            None => {
                let made: Box<dyn Any + Send + Sync> = Box::new(make()?);
                self.0.get_or_init(move || Box::new(made))
            }
        };
        Ok((**value).downcast_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_value_is_made_once_and_not_by_one_that_fails() {
        let (value, made) = (HostValue::default(), Cell::new(0));
        assert_eq!(value.get_or_try(|| Err::<String, _>("not now")), Err("not now"));
        for _ in 0..3 {
            let value = value.get_or_try(|| {
                made.set(made.get() + 1);
                Ok::<_, ()>("value".to_owned())
            });
            assert_eq!(value, Ok(Some(&"value".to_owned())));
        }
        assert_eq!(made.get(), 1);
        assert_eq!(value.get_or_try(|| Ok::<u8, ()>(1)), Ok(None), "it is a String");
    }
}
