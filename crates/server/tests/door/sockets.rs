//! The listener: requests over a real connection, slow heads cut off, a drained stop.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
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

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_stop() {
    let listening = listen(ServerOptions::default()).await;
    let operation = contract::operations().find(|operation| operation.method() == "POST").unwrap();
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        operation.paths()[0]
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked_for_more = [0; 25];
    stream.read_exact(&mut asked_for_more).await.unwrap();
    assert_eq!(&asked_for_more, b"HTTP/1.1 100 Continue\r\n\r\n");
    listening.stop.send(()).unwrap();
    let answer = exchange(&mut stream, "key=").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Invalid Mandatory Field key"), "{answer}");
    listening.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn speaks_http_2_without_being_asked() {
    let listening = listen(ServerOptions::default()).await;
    let stream = TokioIo::new(TcpStream::connect(listening.address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let client = tokio::spawn(connection);
    let request = http::Request::get("http://gerbang.example/healthz").body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
    drop((sender, response));
    client.await.unwrap().unwrap();
}
