//! Another project's Session Manager client as a program, for tests and benchmarks:
//!
//!     ssm-bridge port TARGET HOST PORT     prints "listening on ADDRESS", forwards until SIGTERM
//!     ssm-bridge shell TARGET LINE...      types the lines, prints what comes, ends with the session
//!
//! Region, credentials and AWS_ENDPOINT_URL come from the environment.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use aws_ssm_bridge::documents::PortForwardingToRemoteHost;
use aws_ssm_bridge::{
    EndpointPolicy, PortForwardConfig, PortForwarder, SessionBuilder, ShutdownSignal,
    install_signal_handlers,
};
use futures_util::StreamExt;

const USAGE: &str = "usage: ssm-bridge port TARGET HOST PORT | ssm-bridge shell TARGET LINE...";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["port", target, host, port] => forward(target, host, port.parse()?).await,
        ["shell", target, lines @ ..] => shell(target, lines).await,
        _ => Err(USAGE.into()),
    }
}

/// The client refuses any stream but the vendor's own hosts by default; ours is on the loopback.
fn session(target: &str) -> SessionBuilder {
    SessionBuilder::new(target).endpoint_policy(EndpointPolicy::AllowAny)
}

async fn forward(target: &str, host: &str, port: u16) -> Result<(), Box<dyn Error>> {
    let shutdown = ShutdownSignal::new();
    install_signal_handlers(shutdown.clone());
    let document = PortForwardingToRemoteHost::new(host, port);
    let session = Arc::new(session(target).document(document).start().await?);
    let config = PortForwardConfig { local_addr: "127.0.0.1:0".parse()?, ..Default::default() };
    let forwarder = PortForwarder::bind(config).await?;
    println!("listening on {}", forwarder.local_addr());
    forwarder.forward(Arc::clone(&session), shutdown).await?;
    session.terminate().await?;
    Ok(())
}

async fn shell(target: &str, lines: &[&str]) -> Result<(), Box<dyn Error>> {
    let session = session(target).start().await?;
    let mut output = session.output();
    session.wait_ready().await?;
    eprintln!("encrypted: {}", session.is_encrypted());
    session.send_terminal_size(132, 43).await?;
    for line in lines {
        session.send(format!("{line}\r").into_bytes()).await?;
    }
    let mut stdout = std::io::stdout();
    while let Some(chunk) = output.next().await {
        stdout.write_all(&chunk)?;
        stdout.flush()?;
    }
    session.closed().await;
    eprintln!("closed: {:?}", session.close_reason());
    Ok(())
}
