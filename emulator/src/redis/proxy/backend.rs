//! The server behind the gate: how it is reached, and its users.

use super::upstream::Upstream;
use crate::Error;
use crate::redis::access::Permissions;
use crate::redis::clients::DEFAULT_USER;
use crate::redis::options::Family;
use axum::http::Uri;
use std::collections::BTreeMap;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// The user on the server for clients with an access key: the server's own `default` stays as it is.
const ACCESS_KEY_USER: &str = "entrakey-access-key";

/// The server's name for a user of the gate.
fn name(user: &str) -> &str {
    if user == DEFAULT_USER { ACCESS_KEY_USER } else { user }
}

/// A Redis or Valkey without TLS, on this machine.
pub(crate) struct Backend {
    address: String,
    /// Credentials of a user that may make users there, if the server wants any.
    login: Option<[String; 2]>,
    family: Family,
    /// The password of the users that the gate makes there. Only the gate knows it.
    password: String,
    admin: Mutex<Admin>,
}

/// Makes users.
#[derive(Default)]
struct Admin {
    /// None when the connection broke, or its user gave up in the middle: the next user makes another.
    connection: Option<Upstream>,
    /// The rules of each user, as they are there.
    users: BTreeMap<String, String>,
}

impl Backend {
    /// Connects as the user that may make users there.
    ///
    /// # Errors
    /// The address is none, or the server does not answer or refuses.
    pub(crate) async fn connect(url: &str, family: Family) -> Result<Self, Error> {
        let cannot = |why: String| format!("cannot use --proxy: {why}");
        let wrong =
            || Error::new(cannot("write redis://host:port or redis://user:password@host:port".to_owned()));
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("redis")).ok_or_else(wrong)?;
        let login = match authority.as_str().rsplit_once('@') {
            None => None,
            Some((who, _)) => {
                let (user, password) = who.split_once(':').ok_or_else(wrong)?;
                let user = if user.is_empty() { "default" } else { user };
                Some([user.to_owned(), password.to_owned()])
            }
        };
        let backend = Self {
            address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(6379)),
            login,
            family,
            password: std::iter::repeat_with(|| format!("{:x}", fastrand::u8(..16))).take(32).collect(),
            admin: Mutex::default(),
        };
        let connection = backend.log_in().await.map_err(|why| Error::of_network(cannot(why)))?;
        backend.admin.lock().await.connection = Some(connection);
        Ok(backend)
    }

    /// A connection of the user that may make users.
    async fn log_in(&self) -> Result<Upstream, String> {
        let address = &self.address;
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("{address} does not answer: {error}. Start the server first."))?;
        let mut connection = Upstream::new(stream);
        if let Some([user, password]) = &self.login {
            connection.ask(&[b"AUTH", user.as_bytes(), password.as_bytes()]).await?;
        }
        connection.ask(&[b"PING"]).await?;
        Ok(connection)
    }

    /// Makes the user, or changes what it may do. Its live connections have that with their next command.
    pub(crate) async fn assign(&self, object_id: &str, permissions: &Permissions) -> Result<(), String> {
        let mut admin = self.admin.lock().await;
        if admin.users.get(object_id) == Some(&permissions.rules) {
            return Ok(());
        }
        let password = format!(">{}", self.password);
        let blocked = blocked(self.family);
        let rules = permissions.rules.split_ascii_whitespace().chain(blocked.iter().map(String::as_str));
        // As in Azure, unlike in Redis 7: rules that say nothing of channels mean all of them.
        let start = ["ACL", "SETUSER", name(object_id), "reset", "on", &password, "allchannels"];
        let words: Vec<_> = start.into_iter().chain(rules).map(str::as_bytes).collect();
        self.order(&mut admin, &words).await?;
        admin.users.insert(object_id.to_owned(), permissions.rules.clone());
        Ok(())
    }

    /// Has the server do something: if that fails, once more over a new connection, as it may have been restarted
    /// meanwhile. Then it has forgotten its users.
    async fn order(&self, admin: &mut Admin, words: &[&[u8]]) -> Result<(), String> {
        if let Some(mut connection) = admin.connection.take()
            && connection.ask(words).await.is_ok()
        {
            admin.connection = Some(connection);
            return Ok(());
        }
        admin.users.clear();
        let mut connection = self.log_in().await?;
        let done = connection.ask(words).await.map(drop);
        admin.connection = Some(connection);
        done
    }

    /// The user is made anew when it is needed next.
    pub(super) async fn forget(&self, object_id: &str) {
        self.admin.lock().await.users.remove(object_id);
    }

    /// A connection for one client, not authenticated yet.
    pub(super) async fn open(&self) -> std::io::Result<Upstream> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        Ok(Upstream::new(stream))
    }

    /// The request that authenticates a connection as a user that [`Self::assign`] has made.
    pub(super) fn credentials<'a>(&'a self, object_id: &'a str) -> [&'a [u8]; 3] {
        [b"AUTH", name(object_id).as_bytes(), self.password.as_bytes()]
    }
}

/// Commands whose replies could not be counted: the gate has to know which reply belongs to which request.
pub(super) const UNCOUNTED: [&str; 2] = ["monitor", "client|reply"];

/// Rules that take away what the family blocks; outside a transaction the gate answers before they are asked.
fn blocked(family: Family) -> Vec<String> {
    family.blocked().chain(UNCOUNTED).map(|command| format!("-{command}")).collect()
}
