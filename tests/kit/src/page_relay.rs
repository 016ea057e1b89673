//! The operator between a browser and its own server: each file of the page passes through its hands.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What is asked for, and by whom as far as it says.
#[derive(Debug, Clone)]
pub struct Asked {
    /// From the first `/` on.
    pub path: String,
    /// By name in lowercase.
    pub headers: BTreeMap<String, String>,
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Names in lowercase; the length of the body is not among them.
    pub headers: Vec<(String, String)>,
    /// As it is sent.
    pub body: Vec<u8>,
}

type Change = Box<dyn FnMut(&Asked, &mut Answered) + Send>;

/// In front of a server. It passes requests without a body, and changes answers as it likes.
pub struct PageRelay {
    /// Where it is.
    pub url: String,
    change: Arc<Mutex<Change>>,
}

impl PageRelay {
    /// Stands in front of the server at `port`, honest until told otherwise. It ends with the process.
    pub fn start(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://localhost:{}", listener.local_addr()?.port());
        let change: Arc<Mutex<Change>> = Arc::new(Mutex::new(Box::new(|_, _| {})));
        let shared = Arc::clone(&change);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // Whoever hangs up has what it wants.
                    let _ended = pass(client, port, &shared);
                });
            }
        });
        Ok(Self { url, change })
    }

    /// From now on this is done to each answer.
    pub fn change(&self, change: impl FnMut(&Asked, &mut Answered) + Send + 'static) {
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(change);
    }
}

/// Answers one request after the other.
fn pass(client: TcpStream, port: u16, change: &Mutex<Change>) -> io::Result<()> {
    let mut requests = BufReader::new(client.try_clone()?);
    let mut client = client;
    loop {
        let (first, headers) = head(&mut requests)?;
        let asked = Asked { path: first.split(' ').nth(1).unwrap_or_default().to_owned(), headers: headers.into_iter().collect() };
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let mut request = format!("{first}\r\nconnection: close\r\n");
        for (name, value) in asked.headers.iter().filter(|(name, _)| *name != "connection") {
            request += &format!("{name}: {value}\r\n");
        }
        server.write_all(format!("{request}\r\n").as_bytes())?;
        let mut answers = BufReader::new(server);
        let (first, headers) = head(&mut answers)?;
        let mut body = Vec::new();
        answers.read_to_end(&mut body)?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let own = ["connection", "content-length"];
        let headers = headers.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
        let mut answered = Answered { status, headers, body };
        change.lock().unwrap_or_else(PoisonError::into_inner)(&asked, &mut answered);
        let Answered { status, headers, body } = answered;
        let mut answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            answer += &format!("{name}: {value}\r\n");
        }
        client.write_all(&[format!("{answer}\r\n").as_bytes(), &body].concat())?;
    }
}

/// The first line, and the headers.
fn head(from: &mut impl io::BufRead) -> io::Result<(String, Vec<(String, String)>)> {
    let mut lines = from.lines().map(|line| line.map(|line| line.trim_end().to_owned()));
    let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut headers = Vec::new();
    loop {
        let line = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => return Ok((first, headers)),
        }
    }
}
