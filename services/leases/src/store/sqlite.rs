//! SQLite: one file, one thread that writes.
//!
//! The thread takes whatever waits and commits it together: batches that come while the disk is busy cost one flush.

use super::database::{Database, Dialect, Failed, Held, Row, Statement, Value};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, params_from_iter};
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// So many batches are committed together at most: the first of them does not wait for ever.
const MOST_TOGETHER: usize = 64;
/// `entrakey leases token create` writes beside a service that runs.
const BUSY: Duration = Duration::from_secs(10);

type Answer = Result<Vec<Vec<Row>>, Failed>;
type Job = (Vec<Statement>, oneshot::Sender<Answer>);

/// Who executes.
enum Worker {
    Thread(Mutex<Sender<Job>>),
    /// Whoever asks: nothing there takes time.
    Here(Mutex<Connection>),
}

/// The file.
pub(crate) struct Sqlite {
    worker: Worker,
    /// Locked while a service runs.
    lock: Option<File>,
}

impl Sqlite {
    /// Opens the file, or makes it for this user only. `alone`: no other service may have it.
    pub(crate) fn open(path: &Path, alone: bool) -> Result<Self, String> {
        let at = |what: String| format!("{}: {what}", path.display());
        let lock = if alone { Some(lock(path).map_err(at)?) } else { None };
        create(path).map_err(at)?;
        let connection = Connection::open(path).and_then(prepare);
        let connection = connection.map_err(|error| at(format!("it cannot be opened: {error}")))?;
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new().name("entrakey-sqlite".to_owned());
        let started = thread.spawn(move || work(&connection, &waiting));
        started.map_err(|error| at(format!("no thread can be started: {error}")))?;
        Ok(Self { worker: Worker::Thread(Mutex::new(jobs)), lock })
    }

    /// In memory, for as long as this lives.
    pub(crate) fn in_memory() -> Result<Self, String> {
        let connection = Connection::open_in_memory().map_err(|error| error.to_string())?;
        Ok(Self { worker: Worker::Here(Mutex::new(connection)), lock: None })
    }
}

fn create(path: &Path) -> Result<(), String> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = made.map_err(|error| format!("it cannot be made or opened: {error}"))?;
    let found = file.metadata().map_err(|error| error.to_string())?;
    match found.mode() & 0o077 {
        0 => Ok(()),
        _ => Err("it can be read or changed by other users: chmod 600 it".to_owned()),
    }
}

fn lock(path: &Path) -> Result<File, String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&name);
    let file = file.map_err(|error| format!("{} cannot be made: {error}", name.display()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err("another service has it open: end that one, or give this one PostgreSQL, which takes several"
                .to_owned())
        }
        Err(error) => Err(format!("{} cannot be locked: {error}", name.display())),
    }
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn work(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        while jobs.len() < MOST_TOGETHER
            && let Ok(next) = waiting.try_recv()
        {
            jobs.push(next);
        }
        let (batches, askers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        for (answer, asker) in together(connection, &batches).into_iter().zip(askers) {
            let _ = asker.send(answer); // whoever asked may be gone
        }
    }
}

/// All batches, in one transaction if any of them writes.
fn together(connection: &Connection, batches: &[Vec<Statement>]) -> Vec<Answer> {
    let writes = batches.iter().flatten().any(|statement| !statement.sql.starts_with("SELECT"));
    let begin = if writes { "BEGIN IMMEDIATE" } else { "BEGIN" };
    let broken = |error: &rusqlite::Error| -> Vec<Answer> {
        let failed = Failed::Broken(format!("the database does not take it: {error}"));
        batches.iter().map(|_| Err(failed.clone())).collect()
    };
    if let Err(error) = connection.execute_batch(begin) {
        return broken(&error);
    }
    // Where it takes back everything by itself, a later batch would be kept on its own, and be said not to be.
    let taken_back = || {
        let what = "the database has taken the whole transaction back: look whether its disk is full";
        Err(Failed::Broken(what.to_owned()))
    };
    let one = |batch: &Vec<Statement>| {
        if connection.is_autocommit() { taken_back() } else { apart(connection, batch) }
    };
    let answers = batches.iter().map(one).collect();
    if connection.is_autocommit() {
        return batches.iter().map(|_| taken_back()).collect();
    }
    match connection.execute_batch("COMMIT") {
        Ok(()) => answers,
        Err(error) => {
            let _ = connection.execute_batch("ROLLBACK"); // it may have rolled back by itself
            broken(&error)
        }
    }
}

/// One batch, which leaves nothing behind if it fails.
fn apart(connection: &Connection, batch: &[Statement]) -> Answer {
    let described = |error: rusqlite::Error| describe(&error);
    connection.prepare_cached("SAVEPOINT one").and_then(|mut it| it.execute([])).map_err(described)?;
    let outcome: Answer =
        batch.iter().enumerate().map(|(at, statement)| execute(connection, at, statement)).collect();
    if outcome.is_err() {
        let back = connection.prepare_cached("ROLLBACK TO one").and_then(|mut it| it.execute([]));
        back.map_err(described)?;
    }
    connection.prepare_cached("RELEASE one").and_then(|mut it| it.execute([])).map_err(described)?;
    outcome
}

fn execute(connection: &Connection, at: usize, statement: &Statement) -> Result<Vec<Row>, Failed> {
    let described = |error: rusqlite::Error| describe(&error);
    let mut prepared = connection.prepare_cached(&statement.sql.replace('$', "?")).map_err(described)?;
    let columns = prepared.column_count();
    let values = params_from_iter(&statement.values);
    let changed = |rows: u64| match statement.must_change {
        Some(must) if must != rows => Err(Failed::Unchanged(at)),
        _ => Ok(()),
    };
    if columns == 0 {
        let rows = prepared.execute(values).map_err(described)?;
        changed(u64::try_from(rows).unwrap_or(u64::MAX))?;
        return Ok(Vec::new());
    }
    let rows =
        prepared.query_map(values, |row| (0..columns).map(|at| row.get_ref(at).and_then(read)).collect());
    let rows: Vec<Row> = rows.and_then(Iterator::collect).map_err(described)?;
    changed(u64::try_from(rows.len()).unwrap_or(u64::MAX))?;
    Ok(rows)
}

fn read(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    match value {
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
        _ => Ok(Value::Null), // there are no other columns
    }
}

fn describe(error: &rusqlite::Error) -> Failed {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Failed::Duplicate,
        _ => Failed::Broken(format!("the database does not take it: {error}")),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// One process has the file; what is held within it the manager knows.
struct Nothing;
impl Held for Nothing {}

#[async_trait::async_trait]
impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect { skip_locked: "", serial: "INTEGER PRIMARY KEY AUTOINCREMENT", queue: None }
    }

    async fn run(&self, batch: Vec<Statement>) -> Answer {
        let jobs = match &self.worker {
            Worker::Thread(jobs) => jobs,
            Worker::Here(connection) => {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let mut answers = together(&connection, std::slice::from_ref(&batch));
                return answers.pop().unwrap_or_else(|| Err(Failed::Broken("no answer".to_owned())));
            }
        };
        let (asker, answer) = oneshot::channel();
        let gone =
            || Failed::Broken("the database's thread has ended: see the log, and start again".to_owned());
        jobs.lock().unwrap_or_else(PoisonError::into_inner).send((batch, asker)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn hold(&self, _name: &str) -> Result<Box<dyn Held>, Failed> {
        Ok(Box::new(Nothing))
    }

    fn is_alone(&self) -> bool {
        self.lock.is_some() || matches!(self.worker, Worker::Here(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_of_what_the_database_took_back_by_itself() {
        let connection = Connection::open_in_memory().unwrap();
        // As it does when the disk is full.
        let tables = "CREATE TABLE t (x TEXT); CREATE TRIGGER t_full BEFORE INSERT ON t WHEN NEW.x = 'full' \
                      BEGIN SELECT RAISE(ROLLBACK, 'full'); END";
        connection.execute_batch(tables).unwrap();
        let insert = |x: &str| vec![Statement::new("INSERT INTO t (x) VALUES ($1)", vec![x.into()])];
        let answers = together(&connection, &[insert("one"), insert("full"), insert("two")]);
        let kept: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!((kept, answers.iter().filter(|answer| answer.is_ok()).count()), (0, 0));
        assert!(together(&connection, &[insert("three")]).iter().all(Result::is_ok));
    }
}
