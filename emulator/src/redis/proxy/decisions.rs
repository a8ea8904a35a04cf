//! What the gate decides itself: AUTH, HELLO, RESET, QUIT, and what they do inside a transaction.

use super::channels::Channels;
use super::relay::{Pending, Relay, broken, name_of};
use super::replies;
use crate::redis::clients::Details;
use crate::redis::commands::connection::{
    HELLO_WITHOUT_AUTH, Hello, credentials_of_auth, parse_hello, wrong_auth,
};
use crate::redis::commands::only_for_subscribers;
use crate::redis::connection::{Ending, NO_AUTH, aborted};
use crate::redis::reply::{OK, Reply};
use crate::redis::session::Credentials;
use bytes::{Bytes, BytesMut};
use std::time::Duration;

/// How long the server behind, which is on this machine, may take for AUTH and its like.
const PATIENCE: Duration = Duration::from_secs(10);

impl Relay {
    /// Answers a request that has waited.
    pub(super) async fn decide(&mut self, words: Vec<Bytes>) -> Result<(), Ending> {
        let name = name_of(&words);
        let in_resp2_subscribed = self.upstream.protocol == 2 && self.channels.any();
        match name.as_str() {
            "AUTH" if self.transaction.is_some() => match credentials_of_auth(&words) {
                Some(credentials) => self.queue_auth(credentials),
                None => self.pass_on(&words),
            },
            // Its credentials are the gate's to judge, which EXEC on the server cannot: a HELLO inside MULTI spoils the
            // transaction.
            "HELLO" if self.transaction.is_some() => {
                self.upstream.send(&["HELLO-INSIDE-MULTI"]);
                self.pending.push_back(Pending::Reply);
            }
            "AUTH" | "HELLO" if in_resp2_subscribed => {
                self.reply(only_for_subscribers(&name.to_ascii_lowercase()))
            }
            "AUTH" => match credentials_of_auth(&words) {
                None => self.reply(wrong_auth(&words)),
                Some(credentials) => {
                    let reply = self.authenticate(&credentials).await?.map_or_else(Reply::error, |()| OK);
                    self.reply(reply);
                }
            },
            "HELLO" => self.hello(&words).await?,
            "QUIT" => {
                self.reply(OK);
                self.quitting = true;
            }
            "RESET" if words.len() == 1 => self.start_over().await?,
            "EXEC" if !self.session.is_authenticated() => self.reply(aborted(NO_AUTH)),
            _ if !self.session.is_authenticated() => self.reply(Reply::error(NO_AUTH)),
            "EXEC" => self.execute().await?,
            _ => match self.refusal(&words) {
                Some(refusal) => self.reply(refusal),
                None => self.pass_on(&words),
            },
        }
        Ok(())
    }

    /// Checks credentials and, if they are good, makes the server behind take the client for their owner.
    async fn authenticate(&mut self, credentials: &Credentials) -> Result<Result<(), &'static str>, Ending> {
        let cache = self.cache.clone();
        if let Err(refused) = self.session.authenticate(&cache, credentials) {
            return Ok(Err(refused));
        }
        let (user, backend) = (self.session.user().to_owned(), self.backend.clone());
        if !self.log_in(&user).await? {
            // Another emulator in front of the same server has made this user its own.
            backend.forget(&user).await;
            if !self.log_in(&user).await? {
                cache.witness.log.note(format_args!("the server behind refuses {user}"));
                return Err(Ending::Otherwise);
            }
        }
        user.clone_into(&mut self.client.details().user);
        Ok(Ok(()))
    }

    /// False if the server behind refuses.
    async fn log_in(&mut self, user: &str) -> Result<bool, Ending> {
        let (cache, backend) = (self.cache.clone(), self.backend.clone());
        if let Some(permissions) = self.session.permissions(&cache.policies).cloned()
            && let Err(reason) = backend.assign(user, &permissions).await
        {
            self.reply(Reply::error(format!("ERR the access policy of {user} cannot be had: {reason}")));
            let _ = self.wire.finish().await;
            return Err(Ending::Otherwise);
        }
        Ok(!self.exchange(&backend.credentials(user)).await?.starts_with(b"-"))
    }

    async fn hello(&mut self, words: &[Bytes]) -> Result<(), Ending> {
        let answer = match parse_hello(words) {
            Ok(hello) => self.greet(hello).await?,
            Err(refused) => Err(refused),
        };
        match answer {
            Ok(greeting) => self.wire.output.extend_from_slice(&greeting),
            Err(refused) => self.reply(refused),
        }
        Ok(())
    }

    /// The server's own greeting, or why there is none.
    async fn greet(&mut self, hello: Hello) -> Result<Result<Bytes, Reply>, Ending> {
        if let Some(credentials) = &hello.credentials
            && let Err(refused) = self.authenticate(credentials).await?
        {
            return Ok(Err(Reply::error(refused)));
        }
        if !self.session.is_authenticated() {
            return Ok(Err(Reply::error(HELLO_WITHOUT_AUTH)));
        }
        let before = self.upstream.protocol;
        let protocol = hello.protocol.unwrap_or(before);
        let number = protocol.to_string();
        let mut request: Vec<&[u8]> = vec![b"HELLO", number.as_bytes()];
        if let Some(name) = &hello.name {
            request.extend([&b"SETNAME"[..], name.as_bytes()]);
        }
        self.upstream.protocol = protocol; // its reply is in the new one
        let greeting = self.exchange(&request).await?;
        if greeting.starts_with(b"-") {
            self.upstream.protocol = before;
        }
        self.client.details().resp = self.upstream.protocol;
        Ok(Ok(greeting))
    }

    /// RESET: the connection is not authenticated any more.
    async fn start_over(&mut self) -> Result<(), Ending> {
        self.session.reset();
        self.channels = Channels::default();
        self.transaction = None;
        let reply = self.exchange(&[b"RESET"]).await?;
        self.upstream.protocol = 2;
        *self.client.details() = Details::default();
        self.wire.output.extend_from_slice(&reply);
        Ok(())
    }

    /// EXEC of a transaction with an AUTH in it.
    async fn execute(&mut self) -> Result<(), Ending> {
        let transaction = self.transaction.take().unwrap_or_default();
        let reply = self.exchange(&[b"EXEC"]).await?;
        let mut truth = Vec::new();
        for (place, credentials) in transaction.auths {
            if !reply.starts_with(b"*") || reply.starts_with(b"*-1") {
                break; // nothing was executed
            }
            let outcome = self.authenticate(&credentials).await?.map_or_else(Reply::error, |()| OK);
            let mut bytes = BytesMut::new();
            let _ = outcome.write(self.upstream.protocol, &mut bytes); // it always fits
            truth.push((place, bytes.to_vec()));
        }
        self.executed(&reply, transaction.queued);
        let told = replies::replaced(&reply, &truth);
        self.wire.output.extend_from_slice(told.as_deref().unwrap_or(&reply));
        Ok(())
    }

    /// Asks the server behind and waits for the answer. Nothing else is owed.
    async fn exchange(&mut self, words: &[&[u8]]) -> Result<Bytes, Ending> {
        self.upstream.send(words);
        let answered = async {
            loop {
                match self.upstream.next().map_err(broken)? {
                    Some(reply) if self.note_unasked(&reply) => {
                        self.wire.output.extend_from_slice(&reply);
                    }
                    Some(reply) => return Ok(reply),
                    None => _ = self.upstream.wire.step(true).await.map_err(broken)?,
                }
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap_or(Err(Ending::Otherwise))
    }
}
