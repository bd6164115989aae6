//! A merchant's server as merchants have them: it hears what it is told over HTTP, and answers as the test wants.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// What the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As the documents say.
    Accepts,
    /// With this status and nothing else.
    Status(u16),
    /// With success and a body that is not the documented one.
    SaysOk,
    /// 503, and when to come back.
    RetryAfter(u32),
    /// Not at all.
    Hangs,
}

#[derive(Default)]
struct Heard {
    /// How often each body was heard.
    bodies: BTreeMap<String, u32>,
    accepted: Vec<String>,
    under_way: usize,
    under_way_max: usize,
}

/// One merchant's server.
pub struct Shop {
    pub url: String,
    manner: Arc<Mutex<Manner>>,
    heard: Arc<Mutex<Heard>>,
    told: Mutex<mpsc::Receiver<String>>,
}

impl Shop {
    pub fn open(manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/payment", listener.local_addr().unwrap());
        let (tell, told) = mpsc::channel();
        let (manner, heard) = (Arc::new(Mutex::new(manner)), Arc::<Mutex<Heard>>::default());
        let shared = (manner.clone(), heard.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let ((manner, heard), tell) = (shared.clone(), tell.clone());
                thread::spawn(move || serve(stream, &manner, &heard, &tell));
            }
        });
        Self { url, manner, heard, told: Mutex::new(told) }
    }

    pub fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Waits for the next message, whatever it is answered.
    pub fn hears(&self) -> String {
        self.told.lock().unwrap().recv_timeout(std::time::Duration::from_secs(20)).expect("nobody called")
    }

    /// How many messages it heard so far that nobody asked about.
    pub fn heard_more(&self) -> usize {
        self.told.lock().unwrap().try_iter().count()
    }

    /// What it accepted, in its order.
    pub fn accepted(&self) -> Vec<String> {
        self.heard.lock().unwrap().accepted.clone()
    }

    /// How often the same message was heard at most.
    pub fn most_repeated(&self) -> u32 {
        self.heard.lock().unwrap().bodies.values().copied().max().unwrap_or(0)
    }

    /// The most that were under way at once.
    pub fn at_once(&self) -> usize {
        self.heard.lock().unwrap().under_way_max
    }
}

fn serve(mut stream: TcpStream, manner: &Mutex<Manner>, heard: &Mutex<Heard>, tell: &mpsc::Sender<String>) {
    let Some(body) = read_body(&mut stream) else { return };
    let manner = *manner.lock().unwrap();
    {
        let mut heard = heard.lock().unwrap();
        *heard.bodies.entry(body.clone()).or_default() += 1;
        heard.under_way += 1;
        heard.under_way_max = heard.under_way_max.max(heard.under_way);
        if manner == Manner::Accepts {
            heard.accepted.push(body.clone());
        }
    }
    let _ = tell.send(body);
    let (status, more, answer) = match manner {
        Manner::Accepts => (200, String::new(), r#"{"responseCode":"2002500","responseMessage":"Successful"}"#),
        Manner::Status(status) => (status, String::new(), ""),
        Manner::SaysOk => (200, String::new(), "OK"),
        Manner::RetryAfter(seconds) => (503, format!("retry-after: {seconds}\r\n"), ""),
        Manner::Hangs => {
            // Until the other side has enough.
            let _ = stream.read(&mut [0; 1]);
            heard.lock().unwrap().under_way -= 1;
            return;
        }
    };
    heard.lock().unwrap().under_way -= 1;
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n", answer.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
}

fn read_body(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut piece) = (vec![], [0; 4096]);
    loop {
        let length = stream.read(&mut piece).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(body.to_owned());
        }
    }
}
