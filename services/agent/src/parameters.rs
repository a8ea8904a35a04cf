//! What is asked in a query. A parameter that is there twice is refused: two readers of the same request must not
//! understand different ones.

use std::borrow::Cow;

/// More is no request of any client.
const MOST_BYTES: usize = 4096;

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    /// # Errors
    /// Why they are no good. The sentence names a parameter, and no value.
    pub(crate) fn read(query: &'a str) -> Result<Self, String> {
        if query.len() > MOST_BYTES {
            return Err(format!("The query is longer than {MOST_BYTES} bytes."));
        }
        let all: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        for (number, (name, _)) in all.iter().enumerate() {
            if all.iter().take(number).any(|(other, _)| other == name) {
                let name: String = name.chars().take(40).filter(|letter| letter.is_ascii_graphic()).collect();
                return Err(format!("The parameter \"{name}\" is there more than once."));
            }
        }
        Ok(Self(all))
    }

    /// A parameter's value, if it is there and has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_there_twice_is_refused_however_it_is_written() {
        let read = |query| Parameters::read(query).map(|all| all.get("resource").map(str::to_owned));
        assert_eq!(read("resource=a%2Fb&api-version=1").unwrap().as_deref(), Some("a/b"));
        assert_eq!(read("resource=").unwrap(), None);
        for query in ["resource=a&resource=a", "resource=a&%72esource=b", "x&x", "a=1&b=2&a="] {
            assert!(read(query).unwrap_err().contains("more than once"), "{query}");
        }
        assert!(read(&"x".repeat(5000)).unwrap_err().contains("longer"));
    }
}
