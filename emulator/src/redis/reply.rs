//! Replies, written as the client's protocol has them.

use bytes::{Bytes, BytesMut};
use redis_protocol::error::RedisProtocolError;
use redis_protocol::resp2::types::BytesFrame as Frame2;
use redis_protocol::resp3::types::BytesFrame as Frame3;
use redis_protocol::{resp2, resp3};

/// A reply in terms of both protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Simple(&'static str),
    Error(String),
    Int(i64),
    Bulk(Bytes),
    Null,
    /// No array; in RESP3 the same as [`Self::Null`].
    NullArray,
    Array(Vec<Reply>),
    /// A set in RESP3, an array in RESP2.
    Set(Vec<Reply>),
    /// A map in RESP3, a flat array in RESP2.
    Map(Vec<(Reply, Reply)>),
    /// Out of band in RESP3, an array in RESP2.
    Push(Vec<Reply>),
    /// Several replies to one request, one after the other.
    Several(Vec<Reply>),
}

pub(super) const OK: Reply = Reply::Simple("OK");

impl Reply {
    pub(super) fn bulk(data: impl Into<Bytes>) -> Self {
        Self::Bulk(data.into())
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Bulk(Bytes::copy_from_slice(text.as_bytes()))
    }

    pub(super) fn error(text: impl Into<String>) -> Self {
        Self::Error(text.into())
    }

    pub(super) fn optional(data: Option<Bytes>) -> Self {
        data.map_or(Self::Null, Self::Bulk)
    }

    pub(super) fn write(self, protocol: u8, out: &mut BytesMut) -> Result<(), RedisProtocolError> {
        if let Self::Several(replies) = self {
            return replies.into_iter().try_for_each(|reply| reply.write(protocol, out));
        }
        match (protocol, self) {
            (2, Self::NullArray) => {
                out.extend_from_slice(b"*-1\r\n"); // the library knows only the other null
                Ok(())
            }
            // Element by element, since one of them may be such a null.
            (2, Self::Array(items) | Self::Set(items) | Self::Push(items)) => {
                out.extend_from_slice(format!("*{}\r\n", items.len()).as_bytes());
                items.into_iter().try_for_each(|item| item.write(2, out))
            }
            (3, this) => resp3::encode::complete::extend_encode(out, &this.into_resp3(), false).map(drop),
            (_, this) => resp2::encode::extend_encode(out, &this.into_resp2(), false).map(drop),
        }
    }

    fn into_resp2(self) -> Frame2 {
        let all = |items: Vec<Self>| Frame2::Array(items.into_iter().map(Self::into_resp2).collect());
        match self {
            Self::Simple(text) => Frame2::SimpleString(Bytes::from_static(text.as_bytes())),
            Self::Error(text) => Frame2::Error(text.into()),
            Self::Int(number) => Frame2::Integer(number),
            Self::Bulk(data) => Frame2::BulkString(data),
            Self::Null | Self::NullArray => Frame2::Null,
            Self::Array(items) | Self::Set(items) | Self::Push(items) | Self::Several(items) => all(items),
            Self::Map(pairs) => all(pairs.into_iter().flat_map(|(key, value)| [key, value]).collect()),
        }
    }

    fn into_resp3(self) -> Frame3 {
        let attributes = None;
        let all = |items: Vec<Self>| items.into_iter().map(Self::into_resp3).collect::<Vec<_>>();
        match self {
            Self::Simple(text) => {
                Frame3::SimpleString { data: Bytes::from_static(text.as_bytes()), attributes }
            }
            Self::Error(text) => Frame3::SimpleError { data: text.into(), attributes },
            Self::Int(data) => Frame3::Number { data, attributes },
            Self::Bulk(data) => Frame3::BlobString { data, attributes },
            Self::Null | Self::NullArray => Frame3::Null,
            Self::Array(items) | Self::Several(items) => Frame3::Array { data: all(items), attributes },
            Self::Set(items) => {
                Frame3::Set { data: items.into_iter().map(Self::into_resp3).collect(), attributes }
            }
            Self::Push(items) => Frame3::Push { data: all(items), attributes },
            Self::Map(pairs) => {
                let data =
                    pairs.into_iter().map(|(key, value)| (key.into_resp3(), value.into_resp3())).collect();
                Frame3::Map { data, attributes }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: Reply, protocol: u8) -> String {
        let mut out = BytesMut::new();
        reply.write(protocol, &mut out).unwrap();
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn each_protocol_has_its_own_null_map_and_push() {
        let map = Reply::Map(vec![(Reply::text("a"), Reply::Int(1))]);
        assert_eq!(written(map.clone(), 2), "*2\r\n$1\r\na\r\n:1\r\n");
        assert_eq!(written(map, 3), "%1\r\n$1\r\na\r\n:1\r\n");
        assert_eq!(written(Reply::Null, 2), "$-1\r\n");
        assert_eq!(written(Reply::Null, 3), "_\r\n");
        assert_eq!(written(Reply::Push(vec![Reply::text("m")]), 2), "*1\r\n$1\r\nm\r\n");
        assert_eq!(written(Reply::Push(vec![Reply::text("m")]), 3), ">1\r\n$1\r\nm\r\n");
        assert_eq!(
            (written(Reply::NullArray, 2), written(Reply::NullArray, 3)),
            ("*-1\r\n".into(), "_\r\n".into())
        );
        let nested = Reply::Array(vec![Reply::NullArray, Reply::Null]);
        assert_eq!(written(nested, 2), "*2\r\n*-1\r\n$-1\r\n");
        let set = Reply::Set(vec![Reply::text("m")]);
        assert_eq!(
            (written(set.clone(), 2), written(set, 3)),
            ("*1\r\n$1\r\nm\r\n".into(), "~1\r\n$1\r\nm\r\n".into())
        );
        assert_eq!(written(Reply::error("ERR no"), 3), "-ERR no\r\n");
    }
}
