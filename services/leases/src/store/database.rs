//! What the store needs of a database: batches of statements that happen together or not at all.
//!
//! The statements are the same for SQLite and PostgreSQL, with `$1` for the first value. What differs is in [`Dialect`].

use std::fmt;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::from)
    }
}

/// One statement of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    /// So many rows must be changed, or the batch does not happen.
    pub(crate) must_change: Option<u64>,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<String>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values, must_change: None }
    }

    /// It must change one row.
    pub(crate) fn changes_one(self) -> Self {
        Self { must_change: Some(1), ..self }
    }
}

pub(crate) type Row = Vec<Value>;

/// Why a batch did not happen.
#[derive(Debug, Clone)]
pub(crate) enum Failed {
    /// The statement of that number changed another number of rows than it must.
    Unchanged(usize),
    /// There is one of that already.
    Duplicate,
    /// The database does not work.
    Broken(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged(at) => write!(f, "statement {at} found something else than was there before"),
            Self::Duplicate => f.write_str("there is one of that already"),
            Self::Broken(what) => f.write_str(what),
        }
    }
}

/// In what the two databases' languages differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// After a `SELECT` that claims rows.
    pub(crate) skip_locked: &'static str,
    /// The type of a column that numbers the rows.
    pub(crate) serial: &'static str,
    /// A statement that makes others wait who say the same word, if one is needed.
    pub(crate) queue: Option<&'static str>,
}

/// Something that is released when it is dropped.
pub(crate) trait Held: Send + Sync {}

#[async_trait::async_trait]
pub(crate) trait Database: Send + Sync {
    fn dialect(&self) -> Dialect;

    /// The rows of each statement. When this returns, they are on disk.
    async fn run(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, Failed>;

    /// Waits until no other replica holds that name, and holds it until the answer is dropped.
    async fn hold(&self, name: &str) -> Result<Box<dyn Held>, Failed>;

    /// Whether this process alone uses it: what another one had begun when it ended is then free.
    fn is_alone(&self) -> bool;
}
