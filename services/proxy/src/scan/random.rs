//! Both scanners beside the redis-protocol crate, on random frames and on frames with wrong bytes.

use super::{Body, Frame, Head, head, words};
use crate::fuzzing;
use fastrand::Rng;
use redis_protocol::resp2::types::Resp2Frame as _;
use redis_protocol::{resp2, resp3};

const ROUNDS: u64 = 3_000;
/// Of a stream that is cut at every byte.
const LONGEST: usize = 300;

fn text(random: &mut Rng, out: &mut Vec<u8>, kind: char) {
    let length = if random.u8(..20) == 0 { random.usize(..3_000) } else { random.usize(..12) };
    out.extend(format!("{kind}{length}\r\n").bytes());
    out.extend(std::iter::repeat_with(|| *random.choice(b"\r\n$*a1").unwrap_or(&b'x')).take(length));
    out.extend(b"\r\n");
}

/// A reply of random types and depth.
fn reply(random: &mut Rng, depth: u32, out: &mut Vec<u8>) {
    let kinds = if depth < 5 { 14 } else { 10 };
    match random.u8(..kinds) {
        0 => out.extend(b"+OK\r\n"),
        1 => out.extend(b"-ERR no such key\r\n"),
        2 => out.extend(format!(":{}\r\n", random.i64(..)).bytes()),
        3 => out.extend(b"_\r\n"),
        4 => out.extend(*random.choice([b"#t\r\n", b"#f\r\n"]).unwrap_or(b"#t\r\n")),
        5 => out.extend(format!(",{}\r\n", random.f64()).bytes()),
        6 => out.extend(b"(3492890328409238509324850943850943825024385\r\n"),
        7 => {
            out.extend(b"=7\r\ntxt:a\r\n\r\n");
        }
        8 => text(random, out, '!'),
        9 => text(random, out, '$'),
        kind => {
            let mark = ['*', '~', '%', '*'][usize::from(kind - 10)];
            let elements = random.usize(..5);
            out.extend(format!("{mark}{elements}\r\n").bytes());
            for _ in 0..elements * if mark == '%' { 2 } else { 1 } {
                reply(random, depth + 1, out);
            }
        }
    }
}

fn theirs(input: &[u8]) -> Option<usize> {
    resp3::decode::complete::decode_range(input).ok()?.map(|(_, length)| length)
}

fn ours(input: &[u8]) -> Option<usize> {
    let mut frame = Frame::default();
    let at = frame.advance(input).ok()?;
    (at > 0 && frame.is_complete()).then_some(at)
}

#[test]
fn random_replies_are_as_long_as_redis_protocol_says() {
    for seed in 0..ROUNDS {
        let mut random = Rng::with_seed(seed);
        let mut stream = Vec::new();
        reply(&mut random, 0, &mut stream);
        let length = stream.len();
        stream.extend(b"+next\r\n");
        assert_eq!(ours(&stream), Some(length), "seed {seed}: {}", stream.escape_ascii());
        // It has no set and no map whose keys are equal, and knows fewer doubles: what it does decode counts.
        if let Some(theirs) = theirs(&stream) {
            assert_eq!(theirs, length, "seed {seed}");
        }
    }
}

#[test]
fn random_replies_with_a_wrong_byte_are_never_read_otherwise_than_by_redis_protocol() {
    let (mut both, mut refused) = (0, 0);
    for seed in 0..ROUNDS {
        let mut random = Rng::with_seed(seed);
        let mut stream = Vec::new();
        reply(&mut random, 2, &mut stream);
        let at = random.usize(..stream.len());
        stream[at] = *random.choice(b"0123456789$*%~>+-:\r\n?x").unwrap_or(&b'x');
        stream.extend(b"+next\r\n");
        match (ours(&stream), theirs(&stream)) {
            (Some(ours), Some(theirs)) => {
                assert_eq!(ours, theirs, "seed {seed}: {}", stream.escape_ascii());
                both += 1;
            }
            (None, _) => refused += 1,
            _ => {}
        }
    }
    assert!(both > ROUNDS / 4 && refused > ROUNDS / 10, "{both} {refused}");
}

#[test]
fn random_requests_have_the_words_that_redis_protocol_finds_however_they_are_cut() {
    for seed in 0..ROUNDS {
        let mut random = Rng::with_seed(seed);
        let arguments = random.u32(1..6);
        let mut request = format!("*{arguments}\r\n").into_bytes();
        (0..arguments).for_each(|_| text(&mut random, &mut request, '$'));
        let Ok(Head::Array { length, .. }) = head(&request) else { panic!("seed {seed}") };
        let (mut body, mut at, mut seen) = (Body::new(arguments), length, length);
        while !body.is_complete() {
            seen = (seen + random.usize(1..9)).min(request.len());
            at += body.advance(&request[at..seen]).unwrap();
        }
        assert_eq!(at, request.len(), "seed {seed}");
        let Ok(Some((resp2::types::OwnedFrame::Array(frames), length))) = resp2::decode::decode(&request)
        else {
            panic!("seed {seed}")
        };
        assert_eq!(length, at);
        let theirs: Vec<_> = frames.iter().map(|frame| frame.as_bytes().unwrap_or_default()).collect();
        assert_eq!(words(&request).unwrap(), theirs, "seed {seed}");
    }
}

/// A byte that is another, or is left out, or one more.
fn damage(random: &mut Rng, stream: &mut Vec<u8>) {
    let at = random.usize(..stream.len());
    let byte = *random.choice(b"0123456789$*%~|>+-:,_\r\n?x").unwrap_or(&b'x');
    match random.u8(..3) {
        0 => stream[at] = byte,
        1 => drop(stream.remove(at)),
        _ => stream.insert(at, byte),
    }
}

#[test]
fn damaged_replies_end_at_the_same_bytes_wherever_they_are_cut() {
    for seed in 0..ROUNDS {
        let mut random = Rng::with_seed(seed);
        let mut stream = Vec::new();
        (0..3).for_each(|_| reply(&mut random, 3, &mut stream));
        stream.truncate(LONGEST);
        (0..random.u8(..3)).for_each(|_| damage(&mut random, &mut stream));
        fuzzing::replies(&stream);
    }
}

#[test]
fn damaged_requests_end_at_the_same_bytes_wherever_they_are_cut() {
    for seed in 0..ROUNDS {
        let mut random = Rng::with_seed(seed);
        let mut stream = b"echo \"a b\" 'c'\r\n".to_vec();
        for _ in 0..3 {
            let arguments = random.u32(1..4);
            stream.extend(format!("*{arguments}\r\n").bytes());
            (0..arguments).for_each(|_| text(&mut random, &mut stream, '$'));
        }
        stream.truncate(LONGEST);
        (0..random.u8(..3)).for_each(|_| damage(&mut random, &mut stream));
        fuzzing::requests(&stream);
    }
}
