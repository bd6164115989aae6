//! A line between the store and its server that swallows, holds back and cuts, as networks do.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use postgres_harness::{Address, TestDatabase};

/// What happens to what passes from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// The server gets everything and its answers vanish.
    AnswersVanish,
    /// The server gets everything; instead of its next answer the connection ends.
    CutAtTheAnswer,
    /// What is sent stays in the network until [`Between::release`].
    RequestsHeld,
}

/// The line in between.
pub struct Between {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    refuse: AtomicBool,
    connections: Mutex<Vec<Arc<Connection>>>,
}

struct Connection {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    trouble: Trouble,
    held: Vec<u8>,
    server: Socket,
    /// The server has closed its side.
    ended: bool,
    /// How often the server said something.
    answers: u32,
}

/// Either kind of socket.
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    fn connect(address: &Address) -> Self {
        match address {
            Address::Unix(path) => Self::Unix(UnixStream::connect(path).unwrap()),
            Address::Tcp(address) => Self::Tcp(TcpStream::connect(address).unwrap()),
        }
    }

    fn clone(&self) -> Self {
        match self {
            Self::Unix(socket) => Self::Unix(socket.try_clone().unwrap()),
            Self::Tcp(socket) => Self::Tcp(socket.try_clone().unwrap()),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let read = match self {
            Self::Unix(socket) => socket.read(buffer),
            Self::Tcp(socket) => socket.read(buffer),
        };
        read.unwrap_or(0)
    }

    fn write(&mut self, bytes: &[u8]) {
        // Whoever is gone is noticed by the reading side.
        let _ = match self {
            Self::Unix(socket) => socket.write_all(bytes),
            Self::Tcp(socket) => socket.write_all(bytes),
        };
    }

    /// Says no more. The server deals with what it was sent before it reads the end.
    fn finish(&self) {
        let _ = match self {
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
        };
    }
}

impl Between {
    pub fn to(database: &TestDatabase) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let address = database.address();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if theirs.refuse.load(Ordering::SeqCst) {
                    continue;
                }
                theirs.connections.lock().unwrap().push(Connection::start(client, Socket::connect(&address)));
            }
        });
        Self { port, shared }
    }

    /// Trouble for every connection that there is; later ones are well.
    pub fn trouble(&self, trouble: Trouble) {
        for connection in self.shared.connections.lock().unwrap().iter() {
            connection.state.lock().unwrap().trouble = trouble;
        }
    }

    /// Whether new connections are refused.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refuse.store(refuse, Ordering::SeqCst);
    }

    /// Delivers what was held back, and returns when the server has dealt with it.
    pub fn release(&self) {
        for connection in self.shared.connections.lock().unwrap().iter() {
            let mut state = connection.state.lock().unwrap();
            let held = std::mem::take(&mut state.held);
            if held.is_empty() {
                continue;
            }
            let before = state.answers;
            state.server.write(&held);
            state.server.finish();
            while !state.ended {
                state = connection.changed.wait(state).unwrap();
            }
            assert!(state.answers > before, "the server answered what came late");
        }
    }
}

impl Connection {
    fn start(client: TcpStream, server: Socket) -> Arc<Self> {
        client.set_nodelay(true).unwrap();
        let state = State { trouble: Trouble::None, held: vec![], server: server.clone(), ended: false, answers: 0 };
        let connection = Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() });
        let (up, down) = (Arc::clone(&connection), Arc::clone(&connection));
        let from_client = client.try_clone().unwrap();
        let from_server = server.clone();
        std::thread::spawn(move || up.pass_requests(from_client, server));
        std::thread::spawn(move || down.pass_answers(from_server, client));
        connection
    }

    fn pass_requests(&self, mut client: TcpStream, mut server: Socket) {
        let mut buffer = [0; 65_536];
        loop {
            let count = client.read(&mut buffer).unwrap_or(0);
            let mut state = self.state.lock().unwrap();
            if state.trouble == Trouble::RequestsHeld {
                if count == 0 {
                    return;
                }
                state.held.extend_from_slice(&buffer[..count]);
                continue;
            }
            drop(state);
            if count == 0 {
                server.finish();
                return;
            }
            server.write(&buffer[..count]);
        }
    }

    fn pass_answers(&self, mut server: Socket, mut client: TcpStream) {
        let mut buffer = [0; 65_536];
        loop {
            let count = server.read(&mut buffer);
            let mut state = self.state.lock().unwrap();
            state.ended = count == 0;
            state.answers += u32::from(count > 0);
            self.changed.notify_all();
            let trouble = state.trouble;
            drop(state);
            if count == 0 || trouble == Trouble::CutAtTheAnswer {
                let _ = client.shutdown(Shutdown::Both);
                if count == 0 {
                    return;
                }
            } else if trouble == Trouble::None {
                let _ = client.write_all(&buffer[..count]);
            }
        }
    }
}
