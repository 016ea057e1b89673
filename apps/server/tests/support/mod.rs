//! A real server on ports of its own, and the two kinds of clients that the tests need: bare HTTP and a live WebSocket.
//! Apart from tests/kit, which links what decrypts: this package does not, not even for its tests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use conclave_base::{MeetingId, Seq};
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, ServerMessage};
use conclave_protocol::{challenge, limits};
use ed25519_dalek::{Signer as _, SigningKey};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket, client::IntoClientRequest as _};

/// Everything here answers long before; this bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    /// Its data folder, until it ends.
    _data: TempDir,
}

pub(crate) fn program(data: &Path) -> Command {
    let media = UdpSocket::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.args(["serve", "--media-port", &media.to_string(), "--media-address", "127.0.0.1", "--data"]).arg(data);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut child =
            program(data.path()).args(["--listen", "127.0.0.1:0"]).args(more).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its first line");
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("the line ends with the port");
        Self { child, port, _data: data }
    }

    /// Status line, headers and body of a request.
    pub(crate) fn http(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).expect("it reads");
        // A refused body may be answered before it was taken.
        let (Ok(()) | Err(_)) = stream.write_all(body);
        let mut answer = Vec::new();
        let (Ok(_) | Err(_)) = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_lowercase(), body.to_owned())
    }

    /// Sends all of a request but for its last bytes: [`finish`] sends those.
    pub(crate) fn begin_to_get(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n").expect("it reads");
        // Nothing shows that the server has read it, but that it answers many who came later.
        for _ in 0..20 {
            self.http("GET", "/healthz", "", b"");
        }
        stream
    }

    pub(crate) fn create(&self, link: u8, expires_in: u64) -> u16 {
        self.create_with(link, expires_in, "").0
    }

    /// As [`Server::create`], with more headers; status and body.
    pub(crate) fn create_with(&self, link: u8, expires_in: u64, headers: &str) -> (u16, String) {
        let create = conclave_protocol::http::CreateMeeting {
            meeting: meeting(link),
            admission_key: *key(link).verifying_key().as_bytes(),
            host_fingerprint: [1; 16],
            sealed_meta: vec![2; 60],
            expires_in,
        };
        let body = serde_json::to_vec(&create).expect("serializes");
        let (status, _, body) = self.http("POST", "/api/meetings", &format!("content-type: application/json\r\n{headers}"), &body);
        (status, body)
    }

    pub(crate) fn look_up(&self, link: u8) -> (u16, String) {
        self.look_up_with(link, "")
    }

    /// As [`Server::look_up`], with more headers.
    pub(crate) fn look_up_with(&self, link: u8, headers: &str) -> (u16, String) {
        let body = serde_json::to_vec(&conclave_protocol::http::LookupMeeting { meeting: meeting(link) }).expect("serializes");
        let (status, _, body) = self.http("POST", "/api/meetings/lookup", &format!("content-type: application/json\r\n{headers}"), &body);
        (status, body)
    }

    pub(crate) fn upgrade(&self, origin: Option<&str>) -> Result<Live, u16> {
        self.upgrade_with(origin, None)
    }

    /// With a subprotocol.
    pub(crate) fn upgrade_with(&self, origin: Option<&str>, protocol: Option<&str>) -> Result<Live, u16> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut request = format!("ws://localhost:{}/api/live", self.port).into_client_request().expect("a request");
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().expect("a header"));
        }
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a header"));
        }
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Live { socket }),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(answer.status().as_u16()),
            Err(e) => panic!("no WebSocket: {e}"),
        }
    }

    pub(crate) fn connect(&self) -> Live {
        self.upgrade(None).expect("programs may connect")
    }

    /// Proves the meeting's admission key and a member's key.
    pub(crate) fn enter(&self, link: u8, member: u8) -> Live {
        let mut live = self.connect();
        let nonce = live.hello(link).expect("challenged");
        live.prove(link, &key(link), &key(member), nonce);
        live
    }

    pub(crate) fn ask_to_stop(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there").success());
    }

    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.ask_to_stop();
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let (Ok(()) | Err(_)) = self.child.kill();
        let (Ok(_) | Err(_)) = self.child.wait();
    }
}

/// The answer to what [`Server::begin_to_get`] began.
pub(crate) fn finish(stream: &mut TcpStream) -> String {
    write!(stream, "\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn meeting(link: u8) -> MeetingId {
    MeetingId::from_bytes([link; 16])
}

pub(crate) struct Live {
    socket: WebSocket<TcpStream>,
}

impl Live {
    pub(crate) fn say(&mut self, message: &ClientMessage) {
        self.raw(Message::binary(message.encode()));
    }

    pub(crate) fn raw(&mut self, message: Message) {
        // The server may have closed already; what it said then is what a test looks at.
        let (Ok(()) | Err(_)) = self.socket.send(message);
    }

    pub(crate) fn next(&mut self) -> Option<ServerMessage> {
        loop {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => return Some(ServerMessage::decode(&bytes).expect("our language")),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) fn hello(&mut self, link: u8) -> Result<[u8; 32], Option<CloseReason>> {
        self.say(&ClientMessage::Hello { version: limits::PROTOCOL, meeting: meeting(link), after: None });
        let said = self.next();
        if let Some(ServerMessage::Challenge { nonce }) = said {
            return Ok(nonce);
        }
        Err(if let Some(ServerMessage::Closing { reason }) = said { Some(reason) } else { None })
    }

    pub(crate) fn prove(&mut self, link: u8, admission: &SigningKey, member: &SigningKey, nonce: [u8; 32]) {
        self.say(&ClientMessage::Prove {
            admission: admission.sign(&challenge::admission(&meeting(link), &nonce)).to_bytes(),
            identity_key: *member.verifying_key().as_bytes(),
            identity: member.sign(&challenge::identity(&meeting(link), &nonce)).to_bytes(),
        });
    }

    pub(crate) fn admitted(&mut self) -> bool {
        matches!(self.next(), Some(ServerMessage::Admitted { .. }))
    }

    pub(crate) fn append(&mut self, class: Class, parent_commit: u64, sealed: &[u8]) {
        self.say(&ClientMessage::Append { request: 1, class, parent_commit: Seq(parent_commit), sealed: sealed.to_vec() });
    }

    /// Reads on until the server says why it closes.
    pub(crate) fn closing(&mut self) -> Option<CloseReason> {
        loop {
            if let ServerMessage::Closing { reason } = self.next()? {
                return Some(reason);
            }
        }
    }
}
