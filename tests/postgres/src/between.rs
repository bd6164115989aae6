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

use crate::{Address, TestDatabase};

/// What happens to what passes from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It passes.
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
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    refuse: AtomicBool,
    trap: Mutex<Option<Trap>>,
    connections: Mutex<Vec<Arc<Connection>>>,
}

/// What is waited for, and what it brings.
struct Trap {
    text: String,
    trouble: Trouble,
    /// From then on new connections are refused, too.
    refuse: bool,
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
    /// A line to a database's server.
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
                let connection = Connection::start(&theirs, client, Socket::connect(&address));
                theirs.connections.lock().unwrap().push(connection);
            }
        });
        Self { port, shared }
    }

    /// The port of this machine at which it is reached.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Trouble for the connection that next sends this text, from the packet with the text on.
    pub fn trouble_at(&self, text: &str, trouble: Trouble) {
        self.set(text, trouble, false);
    }

    /// The same, and from then on the server is not reached any more.
    pub fn gone_at(&self, text: &str, trouble: Trouble) {
        self.set(text, trouble, true);
    }

    fn set(&self, text: &str, trouble: Trouble, refuse: bool) {
        *self.shared.trap.lock().unwrap() = Some(Trap { text: text.to_owned(), trouble, refuse });
    }

    /// Whether the trouble that was waited for has come.
    pub fn is_sprung(&self) -> bool {
        self.shared.trap.lock().unwrap().is_none()
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

impl Shared {
    /// The trouble that these bytes bring, if the text that was waited for is in them.
    fn spring(&self, bytes: &[u8]) -> Option<Trouble> {
        let mut trap = self.trap.lock().unwrap();
        let text = &trap.as_ref()?.text;
        if !bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
            return None;
        }
        let sprung = trap.take()?;
        if sprung.refuse {
            self.refuse.store(true, Ordering::SeqCst);
        }
        Some(sprung.trouble)
    }
}

impl Connection {
    fn start(shared: &Arc<Shared>, client: TcpStream, server: Socket) -> Arc<Self> {
        client.set_nodelay(true).unwrap();
        let state = State { trouble: Trouble::None, held: vec![], server: server.clone(), ended: false, answers: 0 };
        let connection = Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() });
        let shared = Arc::clone(shared);
        let (up, down) = (Arc::clone(&connection), Arc::clone(&connection));
        let from_client = client.try_clone().unwrap();
        let from_server = server.clone();
        std::thread::spawn(move || up.pass_requests(&shared, from_client, server));
        std::thread::spawn(move || down.pass_answers(from_server, client));
        connection
    }

    fn pass_requests(&self, shared: &Shared, mut client: TcpStream, mut server: Socket) {
        let mut buffer = [0; 65_536];
        loop {
            let count = client.read(&mut buffer).unwrap_or(0);
            let trouble = shared.spring(&buffer[..count]);
            let mut state = self.state.lock().unwrap();
            state.trouble = trouble.unwrap_or(state.trouble);
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
