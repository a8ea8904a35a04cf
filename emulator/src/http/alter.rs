//! What a test has changed in an answer: other types of numbers, an end that comes too early.

use crate::scripts::faults::Fault;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use hyper::body::Frame;
use serde_json::Value;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Neither JSON nor UTF-8, and what looks like the beginning of either.
pub(super) const GARBAGE: &[u8] = b"{\"access_token\": \xff\xfe\x00}{ not JSON";
/// No answer is larger.
const BODY_LIMIT: usize = 1 << 20;

/// The answer, real or scripted, as the fault wants it.
pub(super) async fn altered(response: Response, fault: &Fault) -> Response {
    if !(fault.numbers_as_strings || fault.strings_as_numbers || fault.truncate.is_some()) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let mut body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default(); // it is in memory already
    if fault.numbers_as_strings || fault.strings_as_numbers {
        body = with_other_types(&body, fault.numbers_as_strings);
    }
    head.headers.remove(CONTENT_LENGTH);
    let Some(sent) = fault.cut(body.len()) else { return Response::from_parts(head, Body::from(body)) };
    // One that is sent whole promises a byte more, so that it is cut short too.
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len().max(sent + 1)));
    let cut = CutShort { rest: Some(body.slice(..sent)), flushed: false };
    Response::from_parts(head, Body::new(cut))
}

/// A JSON object's own fields, as texts or as numbers. Anything else stays as it is.
fn with_other_types(body: &Bytes, as_strings: bool) -> Bytes {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else { return body.clone() };
    for value in fields.values_mut() {
        match value {
            Value::Number(number) if as_strings => *value = Value::String(number.to_string()),
            Value::String(text) if !as_strings => {
                *value = text.parse::<u64>().map_or(Value::String(std::mem::take(text)), Value::from);
            }
            _ => (),
        }
    }
    Value::Object(fields).to_string().into()
}

/// A body that breaks off: the server closes the connection.
struct CutShort {
    rest: Option<Bytes>,
    flushed: bool,
}

impl HttpBody for CutShort {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        if !self.flushed {
            // The server writes what it has when the body lets it wait.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("cut short by a script"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_numbers_become_texts_and_the_other_way_round() {
        let text = |body: &str, as_strings| {
            String::from_utf8(with_other_types(&Bytes::copy_from_slice(body.as_bytes()), as_strings).to_vec())
        };
        let (numbers, texts) = (r#"{"a":1,"b":"x1","c":[1]}"#, r#"{"a":"1","b":"x1","c":[1]}"#);
        assert_eq!(text(numbers, true).unwrap(), texts);
        assert_eq!(text(texts, false).unwrap(), numbers);
        assert_eq!(text("<html>", true).unwrap(), "<html>");
    }
}
