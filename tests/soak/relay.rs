//! A relay in front of the token source that is out of order part of the time.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the source does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Up,
    /// Accepts and never answers.
    Hangs,
    /// Accepts and hangs up.
    Drops,
    /// Answers 503.
    Fails,
}

/// When the source was up: each stretch with its end, the last one open.
type Stretches = Vec<(Instant, Option<Instant>)>;

pub struct Relay {
    pub endpoint: String,
    up: Arc<Mutex<Stretches>>,
}

impl Relay {
    /// Forwards to `target` (host:port) and is out of order `down` of the time.
    pub fn start(target: String, down: f64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let mood = Arc::new(Mutex::new(Mood::Up));
        let up: Arc<Mutex<Stretches>> = Arc::new(Mutex::new(vec![(Instant::now(), None)]));
        let (switch, stretches) = (mood.clone(), up.clone());
        std::thread::spawn(move || change(&switch, &stretches, down));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (mood, target) = (*mood.lock().unwrap(), target.clone());
                std::thread::spawn(move || serve(client, mood, &target));
            }
        });
        Self { endpoint, up }
    }

    /// Whether the source was up without a break from `from` to `to`.
    pub fn was_up(&self, from: Instant, to: Instant) -> bool {
        let up = self.up.lock().unwrap();
        up.iter().any(|(start, end)| *start <= from && end.is_none_or(|end| end >= to))
    }

    /// The share of the time since its start that the source was up.
    pub fn share_up(&self) -> f64 {
        let (up, now) = (self.up.lock().unwrap(), Instant::now());
        let total: Duration = up.iter().map(|(start, end)| end.unwrap_or(now) - *start).sum();
        total.as_secs_f64() / (now - up[0].0).as_secs_f64()
    }
}

fn change(mood: &Mutex<Mood>, up: &Mutex<Stretches>, down: f64) {
    loop {
        let length = 1.0 + 9.0 * fastrand::f64();
        std::thread::sleep(Duration::from_secs_f64(length * (1.0 - down)));
        *mood.lock().unwrap() = [Mood::Hangs, Mood::Drops, Mood::Fails][fastrand::usize(..3)];
        if let Some(last) = up.lock().unwrap().last_mut() {
            last.1 = Some(Instant::now());
        }
        std::thread::sleep(Duration::from_secs_f64(length * down));
        *mood.lock().unwrap() = Mood::Up;
        up.lock().unwrap().push((Instant::now(), None));
    }
}

fn serve(mut client: TcpStream, mood: Mood, target: &str) {
    let mut request = [0; 8192];
    let Ok(length) = client.read(&mut request) else { return };
    match mood {
        Mood::Up => {
            let Ok(mut server) = TcpStream::connect(target) else { return };
            let _ = server.write_all(&request[..length]);
            let mut answer = Vec::new();
            let _ = server.set_read_timeout(Some(Duration::from_millis(100)));
            let _ = server.read_to_end(&mut answer); // it keeps the connection: the time-out ends this
            let _ = client.write_all(&answer);
        }
        Mood::Hangs => drop(client.read(&mut request)), // until the client gives up
        Mood::Drops => {}
        Mood::Fails => {
            let _ = client.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        }
    }
}
