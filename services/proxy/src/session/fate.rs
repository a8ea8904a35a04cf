//! What becomes of a request.

use super::asking::Request;
use super::hello::Hello;
use super::{Prelude, Session};
use crate::blocked::Block;
use crate::cluster::View;
use crate::commands::{Channels, Command};
use crate::ended::{By, Ended};
use crate::owed::{Confirmations, Entry, Meaning, Protocol};
use crate::silence::Mode;
use crate::subscriber::Phase;
use crate::wire;
use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Instant;

/// A request's fate.
pub(super) enum Fate {
    /// It is sent on as it is, and this is owed.
    Pass(Entry),
    /// This is sent instead.
    Send(Vec<u8>, Entry),
    /// It is sent on, and the user signed in again.
    Reset,
    /// The proxy answers, or nobody.
    Answer(Option<Cow<'static, [u8]>>),
    /// The connection ends, after these last words.
    End(Option<Cow<'static, [u8]>>, Ended),
}

impl Fate {
    pub(super) fn is_passed_on(&self) -> bool {
        matches!(self, Self::Pass(_))
    }
}

const OK: &[u8] = b"+OK\r\n";
const NO_AUTH: &[u8] = b"-NOAUTH Authentication required.\r\n";
const NO_AUTH_HELLO: &[u8] = b"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO \
    <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the \
    same time\r\n";
const WRONG_PASSWORD: &[u8] = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n";
const NOT_IN_MULTI: &[u8] = b"-ERR Command not allowed inside a transaction\r\n";
const NO_REPLICAS: &[u8] = b"-ERR entrakey proxy serves clients, no replicas\r\n";
const NO_MAINTENANCE: &[u8] = b"-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n";
const AUTH_ARGUMENTS: &[u8] = b"-ERR wrong number of arguments for 'auth' command\r\n";
const SYNTAX_ERROR: &[u8] = b"-ERR syntax error\r\n";

impl Session {
    /// What becomes of it; none if that cannot be said, or done, now.
    pub(super) fn decide(&mut self, request: Request<'_>, now: Instant) -> Option<Fate> {
        self.admit_by_hello(&request);
        if !self.is_local(&request) {
            if self.credentials.is_none() {
                self.wants_upstream = true;
                return None;
            }
            self.waits = match request.command {
                Command::Block(_) => {
                    self.is_unblocking || (self.owed.has_block() && self.may_wait(&request, now))
                }
                Command::Hello => self.owed.has_hello() || self.subscriber.under_way > 0,
                Command::Subscribe(_) | Command::Unsubscribe(_) => self.owed.has_hello(),
                _ => false,
            };
            if self.waits {
                return None;
            }
        }
        Some(match request.command {
            Command::Http => Fate::End(None, Ended::badly(By::Client, HTTP)),
            _ if !self.admitted => self.decide_outside(&request),
            _ if self.restricts() => self.decide_subscribed(&request),
            _ if self.transaction.is_open() => self.decide_in_transaction(&request),
            _ => self.decide_freely(&request, now),
        })
    }

    /// Whether the proxy answers it, without a server.
    fn is_local(&self, request: &Request<'_>) -> bool {
        match request.command {
            _ if !self.admitted => true,
            Command::Http | Command::Auth | Command::Quit | Command::Replication => true,
            Command::Client => request.is_sub("reply") || request.is_sub("maint_notifications"),
            _ => false,
        }
    }

    /// A HELLO with the local password lets in, and is sent on as any other.
    fn admit_by_hello(&mut self, request: &Request<'_>) {
        if !self.admitted
            && request.command == Command::Hello
            && let Ok(Hello { passwords, .. }) = Hello::read(request)
        {
            self.admitted = !passwords.is_empty() && passwords.iter().all(|given| self.is_password(given));
        }
    }

    /// Before the client has given the local password.
    fn decide_outside(&mut self, request: &Request<'_>) -> Fate {
        match request.command {
            Command::Auth => self.sign_in(request),
            Command::Hello => match Hello::read(request) {
                Err(text) => self.answer(text),
                Ok(hello) if hello.passwords.is_empty() => self.answer(NO_AUTH_HELLO),
                Ok(_) => {
                    self.wrong_passwords += 1;
                    self.answer(WRONG_PASSWORD)
                }
            },
            Command::Quit => self.quit(),
            Command::Reset => Fate::Answer(Some(b"+RESET\r\n".into())),
            _ => self.answer(NO_AUTH),
        }
    }

    fn decide_freely(&mut self, request: &Request<'_>, now: Instant) -> Fate {
        let prelude = self.prelude.take();
        match request.command {
            Command::Auth => {
                self.prelude = prelude; // the server does not see it
                self.sign_in(request)
            }
            Command::Quit => self.quit(),
            Command::Replication => {
                self.prelude = prelude;
                self.answer(NO_REPLICAS)
            }
            Command::Reset if request.arguments == 1 => Fate::Reset,
            Command::Hello => self.hello(request),
            Command::Client => self.client(request, prelude),
            Command::Cluster => self.cluster(request),
            Command::Subscribe(channels) => self.subscribe(request, channels, prelude),
            Command::Unsubscribe(channels) => self.unsubscribe(request, channels),
            Command::Block(_) => self.block(request, prelude, now),
            Command::Asking => {
                self.prelude = Some(Prelude::Asking);
                self.pass()
            }
            Command::Monitor => self.pass_with(Meaning::Monitor),
            Command::Multi | Command::Exec | Command::Discard => self.change_transaction(request),
            Command::Other | Command::Ping | Command::Reset | Command::Http => self.pass(),
        }
    }

    /// While a RESP2 client is subscribed: what Redis would say of anything else.
    fn decide_subscribed(&mut self, request: &Request<'_>) -> Fate {
        match request.command {
            Command::Subscribe(channels) => self.subscribe(request, channels, None),
            Command::Unsubscribe(channels) => self.unsubscribe(request, channels),
            Command::Ping if self.subscriber.phase == Phase::Translating => self.pass_with(Meaning::Ping),
            Command::Ping => self.pass(),
            Command::Quit => self.quit(),
            Command::Reset if request.arguments == 1 => Fate::Reset,
            Command::Reset => self.pass(),
            _ => {
                let text = format!(
                    "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
                     this context",
                    request.full_name()
                );
                self.answer(wire::error(&text))
            }
        }
    }

    fn decide_in_transaction(&mut self, request: &Request<'_>) -> Fate {
        match request.command {
            Command::Quit => self.quit(),
            Command::Reset if request.arguments == 1 => Fate::Reset,
            Command::Multi | Command::Exec | Command::Discard => self.change_transaction(request),
            Command::Auth | Command::Subscribe(_) | Command::Unsubscribe(_) | Command::Replication => {
                self.spoil(NOT_IN_MULTI)
            }
            Command::Hello if request.arguments > 1 => self.spoil(NOT_IN_MULTI),
            Command::Client if request.is_sub("reply") => self.spoil(NOT_IN_MULTI),
            // EXEC would answer it among others.
            Command::Cluster if self.view(request).is_some() => self.spoil(NOT_IN_MULTI),
            Command::Client if request.is_sub("maint_notifications") => self.spoil(NO_MAINTENANCE),
            _ => self.pass(),
        }
    }

    /// As Redis answers a command that it does not queue: the transaction is lost.
    fn spoil(&mut self, text: &'static [u8]) -> Fate {
        self.transaction.spoil();
        self.answer(text)
    }

    fn change_transaction(&mut self, request: &Request<'_>) -> Fate {
        if request.arguments != 1 {
            return self.pass(); // an error
        }
        let opens = request.command == Command::Multi;
        let is_lost = self.transaction.is_spoiled() && request.command == Command::Exec;
        let change = self.transaction.change(opens);
        match is_lost {
            true => {
                let silent = self.silence.take_next();
                Fate::Send(
                    wire::request(&["DISCARD"]),
                    Entry::Reply { meaning: Meaning::ExecAborted, silent },
                )
            }
            false => self.pass_with(Meaning::Transaction(change)),
        }
    }

    /// The local password, or anything if there is none. It is never sent on.
    fn sign_in(&mut self, request: &Request<'_>) -> Fate {
        let given = match request.words.as_deref().unwrap_or_default() {
            [_, password] | [_, _, password] => password.as_ref(),
            [_] => return self.answer(AUTH_ARGUMENTS),
            _ => return self.answer(SYNTAX_ERROR),
        };
        match self.admits(given) {
            true => self.answer(OK),
            false => self.answer(WRONG_PASSWORD),
        }
    }

    fn admits(&mut self, given: &[u8]) -> bool {
        let right = self.is_password(given);
        self.admitted |= right;
        self.wrong_passwords += u32::from(!right);
        right
    }

    fn is_password(&self, given: &[u8]) -> bool {
        self.password.as_ref().is_none_or(|password| password.matches(given))
    }

    fn quit(&mut self) -> Fate {
        let text = (!self.silence.take_next()).then_some(OK.into());
        Fate::End(text, Ended::normally(By::Client, "The client said QUIT."))
    }

    fn hello(&mut self, request: &Request<'_>) -> Fate {
        let silent = self.silence.take_next();
        let answer = |text: &'static [u8]| Fate::Answer((!silent).then_some(text.into()));
        let Hello { protocol, passwords, rest } = match Hello::read(request) {
            Ok(hello) => hello,
            Err(text) => return answer(text),
        };
        if !passwords.into_iter().all(|given| self.admits(given)) {
            return answer(WRONG_PASSWORD);
        }
        let entry = match protocol {
            Some(protocol) => Entry::Reply { meaning: Meaning::Hello(protocol), silent },
            None => Entry::Replies { count: 1, silent },
        };
        Fate::Send(wire::request(&rest), entry)
    }

    fn client(&mut self, request: &Request<'_>, prelude: Option<Prelude>) -> Fate {
        self.prelude = prelude; // CACHING lasts through other CLIENT commands
        if request.is_sub("reply") && request.arguments == 3 {
            let word = request.words.as_deref().and_then(|words| words.get(2));
            if let Some(mode) = word.and_then(|word| Mode::named(word)) {
                return Fate::Answer(self.silence.set(mode).then_some(OK.into()));
            }
        }
        if request.is_sub("reply") {
            return self.answer(if request.arguments == 3 { SYNTAX_ERROR } else { CLIENT_REPLY_ARGUMENTS });
        }
        if request.is_sub("maint_notifications") {
            return self.answer(NO_MAINTENANCE);
        }
        if request.is_sub("caching") {
            self.prelude = Some(Prelude::Caching);
        }
        self.pass()
    }

    fn cluster(&mut self, request: &Request<'_>) -> Fate {
        match self.view(request) {
            Some(view) => self.pass_with(Meaning::Cluster(view)),
            None => self.pass(),
        }
    }

    /// What is asked about the nodes, if clients are told of local ports.
    fn view(&self, request: &Request<'_>) -> Option<View> {
        let word = request.words.as_deref().and_then(|words| words.get(1));
        word.filter(|_| self.announced.is_some()).and_then(|word| View::of(word))
    }

    fn subscribe(&mut self, request: &Request<'_>, channels: Channels, prelude: Option<Prelude>) -> Fate {
        if request.arguments < 2 {
            return self.pass(); // an error
        }
        if self.protocol == Protocol::Two && self.subscriber.phase == Phase::Direct {
            self.enter_three();
            if prelude == Some(Prelude::Asking) {
                self.repeat_asking();
            }
        }
        self.confirmations(channels, true, None, Some(request.arguments - 1))
    }

    fn unsubscribe(&mut self, request: &Request<'_>, channels: Channels) -> Fate {
        let left = (request.arguments > 1).then(|| request.arguments - 1);
        let words = request.words.as_deref().and_then(|words| words.get(1..)).unwrap_or_default();
        let is_named = channels == Channels::Shard && !words.is_empty();
        let names = is_named.then(|| words.iter().map(|word| word.to_vec()).collect());
        self.confirmations(channels, false, names, left)
    }

    fn confirmations(
        &mut self,
        channels: Channels,
        enters: bool,
        names: Option<HashSet<Vec<u8>>>,
        left: Option<u32>,
    ) -> Fate {
        let silent = self.silence.take_next();
        self.subscriber.under_way += 1;
        let owed = Confirmations { channels, enters, names, left, silent, is_hidden: false };
        Fate::Pass(Entry::Confirmations(owed))
    }

    /// Whether it waits at the server if nothing is there. One at a time: the time-outs of two add up, and `CLIENT UNBLOCK`
    /// for the second would end the first.
    fn may_wait(&self, request: &Request<'_>, now: Instant) -> bool {
        !self.transaction.is_open() && Block::of(request.command, request.words.as_deref(), now).is_some()
    }

    /// A command that may wait longer than the token is good is kept, to be sent again.
    fn block(&mut self, request: &Request<'_>, prelude: Option<Prelude>, now: Instant) -> Fate {
        let block = Block::of(request.command, request.words.as_deref(), now);
        let Some(block) = block else { return self.pass() };
        let is_kept = block.outlasts(self.time_left()) && prelude != Some(Prelude::Asking);
        if is_kept {
            self.keep(block);
        }
        self.pass_with(Meaning::Block { is_kept })
    }

    fn pass(&mut self) -> Fate {
        Fate::Pass(Entry::Replies { count: 1, silent: self.silence.take_next() })
    }

    fn pass_with(&mut self, meaning: Meaning) -> Fate {
        Fate::Pass(Entry::Reply { meaning, silent: self.silence.take_next() })
    }

    fn answer(&mut self, text: impl Into<Cow<'static, [u8]>>) -> Fate {
        Fate::Answer((!self.silence.take_next()).then(|| text.into()))
    }

    /// Whether a RESP2 client may send only what is about subscriptions.
    pub(super) fn restricts(&self) -> bool {
        self.protocol == Protocol::Two
            && matches!(self.subscriber.phase, Phase::Translating | Phase::Stuck)
            && self.subscriber.is_subscribed()
    }
}

/// So much of a command's name is said in an error.
const LONGEST_SHOWN: usize = 128;

const HTTP: &str = "What connected speaks HTTP, as a browser does.";
const CLIENT_REPLY_ARGUMENTS: &[u8] = b"-ERR wrong number of arguments for 'client|reply' command\r\n";

impl Request<'_> {
    fn is_sub(&self, name: &str) -> bool {
        let word = self.words.as_deref().and_then(|words| words.get(1));
        word.is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// As Redis has it in its errors: in lower case, with the subcommand.
    fn full_name(&self) -> String {
        // Redis cuts them there too.
        let lower =
            |word: &[u8]| String::from_utf8_lossy(word.get(..LONGEST_SHOWN).unwrap_or(word)).to_lowercase();
        let sub = self.words.as_deref().and_then(|words| words.get(1));
        match sub.filter(|_| crate::commands::has_subcommands(&self.name)) {
            Some(sub) => format!("{}|{}", lower(&self.name), lower(sub)),
            None => lower(&self.name),
        }
    }
}
