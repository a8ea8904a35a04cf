//! What the agent is measured against: a bare axum handler that answers as many bytes as an answer of the agent has.
//!
//!     bare BYTES        prints the port of loopback that it listens on

use axum::Router;
use axum::routing::get;
use std::io::Write as _;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bytes: usize = std::env::args().nth(1).ok_or("how many bytes?")?.parse()?;
    let body: &'static str = "x".repeat(bytes).leak();
    let router = Router::new().route("/msi/token", get(async move || body));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", listener.local_addr()?.port())?;
    out.flush()?;
    drop(out);
    axum::serve(listener, router).await?;
    Ok(())
}
