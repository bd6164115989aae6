//! The listener: requests over a real connection, slow heads cut off, a drained stop.

use std::time::Duration;

use server::{HEADER_BYTES_MAX, ServerOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::world::World;

struct Listening {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
    _world: World,
}

async fn listen(options: ServerOptions) -> Listening {
    let world = World::sandbox(vec![]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = world.router.clone();
    let server = tokio::spawn(async move {
        server::serve(listener, router, &options, async {
            let _ = stopped.await;
        })
        .await
    });
    Listening { address, stop, server, _world: world }
}

async fn exchange(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn answers_over_a_connection_and_stops_when_told() {
    let listening = listen(ServerOptions::default()).await;
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(&mut stream, request).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"status":"ok"}"#), "{answer}");
    // An idle connection does not hold up the stop.
    let _idle = TcpStream::connect(listening.address).await.unwrap();
    listening.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(30), listening.server).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(listening.address).await.is_err());
}

#[tokio::test]
async fn heads_that_are_slow_or_large_are_cut_off() {
    let listening = listen(ServerOptions { header_timeout_ms: 100, ..ServerOptions::default() }).await;
    let mut slow = TcpStream::connect(listening.address).await.unwrap();
    let answer = exchange(&mut slow, "GET /healthz HTTP/1.1\r\nHost:").await;
    assert!(!answer.contains("200"), "{answer}");
    let mut large = TcpStream::connect(listening.address).await.unwrap();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(HEADER_BYTES_MAX));
    let answer = exchange(&mut large, &request).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}
