//! One line to standard error for each thing that happens: for people, or as JSON.
//!
//! By hand and not by a crate of the `tracing` family: these are few lines from few places, no library of ours may set a
//! global subscriber, and what tracing-subscriber writes for people leaves line breaks in a text from outside as they are.

use serde_json::{Map, Value};
use std::fmt::{self, Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `2026-11-28T18:40:53.120Z WARN  text (name=value)`
    Human,
    /// One JSON object with `timestamp`, `severity`, `message` and the fields: what log collectors of clouds read.
    Json,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something cannot work.
    Error,
    /// Something to look at.
    Warning,
    /// As it should be.
    Info,
    /// Each single step.
    Debug,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// A name and what it stands for in this line.
pub type Field<'a> = (&'static str, &'a dyn Display);

/// Where lines go. Cheap to clone. A thread of its own writes: whoever reads the log may be slow, and a connection must not
/// wait for it. What does not fit the queue is dropped and counted.
#[derive(Clone)]
pub struct Log {
    format: Format,
    least: Severity,
    queue: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

enum Entry {
    Line(String),
    /// Tells the sender once all lines before it are written.
    Flush(SyncSender<()>),
}

/// Lines that wait for a slow reader.
const QUEUE: usize = 4096;

impl Log {
    /// Lines to standard error, `least` and whatever matters more.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn to_stderr(format: Format, least: Severity) -> std::io::Result<Self> {
        Self::new(format, least, std::io::stderr())
    }

    pub(crate) fn new(
        format: Format,
        least: Severity,
        to: impl std::io::Write + Send + 'static,
    ) -> std::io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let log = Self { format, least, queue, dropped: dropped.clone() };
        std::thread::Builder::new()
            .name("entrakey-log".to_owned())
            .spawn(move || write_all(&lines, to, &dropped, format))?;
        Ok(log)
    }

    /// Whether a line of this severity would be written.
    #[must_use]
    pub fn takes(&self, severity: Severity) -> bool {
        severity <= self.least
    }

    /// Writes a line. Callers pass no secrets.
    pub fn line(&self, severity: Severity, message: impl Display, fields: &[Field<'_>]) {
        if self.takes(severity) {
            self.record(severity, message, fields);
        }
    }

    /// Writes a line however little is wanted: of what an auditor asks for later. Callers pass no secrets.
    pub fn record(&self, severity: Severity, message: impl Display, fields: &[Field<'_>]) {
        let line = written(self.format, SystemTime::now(), severity, &message.to_string(), fields);
        if self.queue.try_send(Entry::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was said is written, for as long as `at_most`: before the process ends. Blocks.
    pub fn flush(&self, at_most: Duration) {
        let last = Instant::now() + at_most; // a reader that stands still must not keep the process from ending
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(entry) {
            if Instant::now() >= last {
                return;
            }
            entry = back;
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = written.recv_timeout(last.saturating_duration_since(Instant::now())); // both are an end
    }
}

/// As much is written at once, of lines that wait.
const MOST_AT_ONCE: usize = 32 * 1024;

/// Before lines are written, so that those that follow at once go with them: waking this thread for each of tens of thousands
/// of hand-outs a second takes more of a processor than writing them (scripts/bench/agent.py).
const GATHER: Duration = Duration::from_millis(1);

fn write_all(lines: &Receiver<Entry>, mut to: impl std::io::Write, dropped: &AtomicU64, format: Format) {
    let mut text = String::new();
    while let Ok(first) = lines.recv() {
        if matches!(first, Entry::Line(_)) {
            std::thread::sleep(GATHER);
        }
        let mut flushed = Vec::new();
        let mut next = Some(first);
        while let Some(entry) = next {
            match entry {
                Entry::Line(line) => text.push_str(&line),
                Entry::Flush(done) => flushed.push(done),
            }
            next = if text.len() < MOST_AT_ONCE { lines.try_recv().ok() } else { None };
        }
        // Nobody may read any more: then there is nobody to tell.
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        text.clear();
        for done in flushed {
            let _ = done.send(()); // whoever waited may have given up
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let said = format!("{lost} lines of the log were dropped: whoever reads it is too slow");
            drop(to.write_all(written(format, SystemTime::now(), Severity::Warning, &said, &[]).as_bytes()));
        }
    }
}

fn written(
    format: Format,
    at: SystemTime,
    severity: Severity,
    message: &str,
    fields: &[Field<'_>],
) -> String {
    let at = humantime::format_rfc3339_millis(at);
    match format {
        Format::Human => {
            // Writing into a string cannot fail.
            let mut line = String::with_capacity(ROOM);
            let _ = write!(line, "{at} {:<7} ", severity.name());
            let _ = OneLine(&mut line).write_str(message);
            for (number, (name, value)) in fields.iter().enumerate() {
                let _ = write!(line, "{}{name}=", if number == 0 { " (" } else { ", " });
                let _ = write!(OneLine(&mut line), "{value}");
            }
            line.push_str(if fields.is_empty() { "\n" } else { ")\n" });
            line
        }
        Format::Json => {
            let mut object = Map::new();
            object.insert("timestamp".to_owned(), at.to_string().into());
            object.insert("severity".to_owned(), severity.name().into());
            object.insert("message".to_owned(), message.into());
            for (name, value) in fields {
                object.insert((*name).to_owned(), value.to_string().into());
            }
            format!("{}\n", Value::Object(object))
        }
    }
}

/// Most lines fit.
const ROOM: usize = 384;

/// Adds text with everything escaped that could begin another line or hide a part of this one: a server or a client may have
/// written it.
struct OneLine<'a>(&'a mut String);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            self.0.push_str(text);
            return Ok(());
        }
        for letter in text.chars() {
            match letter {
                letter if letter.is_control() || is_invisible(letter) => {
                    self.0.extend(letter.escape_default())
                }
                letter => self.0.push(letter),
            }
        }
        Ok(())
    }
}

/// Line separators, marks of direction and letters without a width.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;
    use std::time::UNIX_EPOCH;

    /// A reader whose pace the test decides.
    #[derive(Clone, Default)]
    pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_line_is_one_line_whatever_a_server_says() {
        let refusal = "WRONGPASS\r\n2026 INFO all is well\u{1b}[2K\u{2028}";
        let line = written(Format::Human, UNIX_EPOCH, Severity::Warning, refusal, &[("upstream", &"a\nb")]);
        let expected = "1970-01-01T00:00:00.000Z WARNING WRONGPASS\\r\\n2026 INFO all is well\\u{1b}[2K\\u{2028} \
                        (upstream=a\\nb)\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn json_is_an_object_in_a_line() {
        let fields: &[Field<'_>] = &[("client", &7), ("upstream", &"a\"b")];
        let line = written(Format::Json, UNIX_EPOCH, Severity::Error, "two\nlines", fields);
        assert_eq!(line.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "timestamp": "1970-01-01T00:00:00.000Z", "severity": "ERROR", "message": "two\nlines",
                "client": "7", "upstream": "a\"b"
            })
        );
    }

    #[test]
    fn only_what_matters_enough_is_written() {
        let paper = Paper::default();
        let log = Log::new(Format::Human, Severity::Warning, paper.clone()).unwrap();
        log.line(Severity::Info, "a new token", &[]);
        log.line(Severity::Warning, "a refusal", &[]);
        log.flush(Duration::from_secs(20));
        assert!(paper.text().ends_with("WARNING a refusal\n") && !paper.text().contains("new token"));
    }

    #[test]
    fn a_reader_that_stands_still_makes_nobody_wait_and_hears_how_much_it_missed() {
        struct Slow(Receiver<()>, Paper);
        impl std::io::Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let _ = self.0.recv();
                self.1.write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (go, gate) = channel();
        let paper = Paper::default();
        let log = Log::new(Format::Human, Severity::Info, Slow(gate, paper.clone())).unwrap();
        let lines = 2 * QUEUE; // more than it has taken to write at once and what then fits the queue
        for number in 0..lines {
            log.line(Severity::Info, number, &[]);
        }
        drop(go); // it reads from now on
        log.flush(Duration::from_secs(20));
        let said = paper.text();
        let kept = said.lines().filter(|line| line.contains(" INFO ")).count();
        let lost: usize =
            said.split(" lines of").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        assert_eq!(kept + lost, lines);
    }
}
