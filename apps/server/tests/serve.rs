//! The real program, over real sockets.

mod support;

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};

use conclave_base::Seq;
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Entry, Refusal, ServerMessage};
use support::{Server, key, program};
use tokio_tungstenite::tungstenite::Message;

#[test]
fn a_meeting_is_made_once_found_and_entered_by_who_holds_its_key() {
    let server = Server::start();
    assert_eq!((server.create(1, 60), server.create(1, 60)), (201, 409));
    assert!(server.enter(1, 10).admitted());
    let mut stranger = server.connect();
    let nonce = stranger.hello(1).expect("challenged");
    stranger.prove(1, &key(2), &key(10), nonce);
    assert_eq!(stranger.closing(), Some(CloseReason::BadProof));
    assert_eq!(server.connect().hello(9), Err(Some(CloseReason::NotFound)));
    let (status, body) = server.look_up(1);
    assert!(status == 200 && body.contains("\"limit\":200"), "{status} {body}");
    assert_eq!(server.look_up(9).0, 404);
}

#[test]
fn of_two_commits_one_wins_and_both_members_see_the_same_entries() {
    let server = Server::start();
    server.create(1, 60);
    let (mut a, mut b) = (server.enter(1, 10), server.enter(1, 11));
    assert!(a.admitted() && b.admitted());
    a.append(Class::Commit, 0, b"first");
    assert_eq!(a.next(), Some(ServerMessage::Appended { request: 1, seq: Seq(1) }));
    let (Some(ServerMessage::Entry(seen)), Some(ServerMessage::Entry(too))) = (a.next(), b.next()) else { panic!("no entries") };
    assert_eq!(seen, too);
    b.append(Class::Commit, 0, b"second");
    let why = Refusal::Stale { last_commit: Seq(1) };
    assert_eq!(b.next(), Some(ServerMessage::Refused { request: 1, why }));
}

#[test]
fn the_same_member_again_replaces_the_first() {
    let server = Server::start();
    server.create(1, 60);
    let mut first = server.enter(1, 10);
    assert!(first.admitted());
    assert!(server.enter(1, 10).admitted());
    assert_eq!(first.closing(), Some(CloseReason::Replaced));
}

#[test]
fn garbage_text_and_oversize_are_told_why_and_hurt_nobody_else() {
    let server = Server::start();
    server.create(1, 60);
    let mut witness = server.enter(1, 10);
    assert!(witness.admitted());
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..50 {
        let bytes: Vec<u8> = (0..round * 7)
            .map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random.to_le_bytes()[0] | 0x80
            })
            .collect();
        let mut noisy = server.connect();
        noisy.raw(Message::binary(bytes));
        assert_eq!(noisy.closing(), Some(CloseReason::Malformed));
    }
    let mut text = server.connect();
    text.raw(Message::text("hello"));
    assert_eq!(text.closing(), Some(CloseReason::Malformed));
    let mut large = server.connect();
    large.raw(Message::binary(vec![0; limits::MESSAGE + 1]));
    assert!(matches!(large.closing(), Some(CloseReason::Malformed) | None));
    for body in [&b"{"[..], b"null", &[0xff; 100], &vec![b' '; limits::HTTP_BODY + 1]] {
        let (status, _, _) = server.http("POST", "/api/meetings", "content-type: application/json\r\n", body);
        assert!(status == 400 || status == 413, "{status}");
    }
    witness.append(Class::Commit, 0, b"still here");
    assert!(matches!(witness.next(), Some(ServerMessage::Appended { .. })));
}

#[test]
fn a_large_entry_reaches_the_others_whole() {
    let server = Server::start();
    server.create(1, 60);
    let (mut a, mut b) = (server.enter(1, 10), server.enter(1, 11));
    assert!(a.admitted() && b.admitted());
    a.append(Class::Commit, 0, b"first");
    let sealed = vec![7; limits::SEALED_HANDSHAKE];
    a.append(Class::Snapshot, 1, &sealed);
    assert!(matches!(b.next(), Some(ServerMessage::Entry(Entry { seq: Seq(1), .. }))));
    assert!(matches!(b.next(), Some(ServerMessage::Entry(Entry { sealed: got, .. })) if got == sealed));
}

#[test]
fn a_flood_is_stopped() {
    let server = Server::start();
    server.create(1, 60);
    let mut flood = server.enter(1, 10);
    assert!(flood.admitted());
    for _ in 0..4 * limits::MESSAGE_BURST {
        flood.say(&ClientMessage::Ping);
    }
    // The reason may be lost when the flood goes on after the close; that the connection ends is what counts.
    assert!(matches!(flood.closing(), Some(CloseReason::TooMany) | None));
    assert!(server.enter(1, 11).admitted());
}

#[test]
fn a_meeting_ends_when_its_time_is_up() {
    let server = Server::start();
    server.create(1, 2);
    let mut member = server.enter(1, 10);
    assert!(member.admitted());
    assert_eq!(member.closing(), Some(CloseReason::Expired));
    assert_eq!(server.look_up(1).0, 404);
}

#[test]
fn another_sites_page_may_not_connect() {
    let server = Server::start();
    assert_eq!(server.upgrade(Some("https://evil.example")).err(), Some(403));
    assert!(server.upgrade(Some(&format!("http://localhost:{}", server.port))).is_ok());
}

#[test]
fn the_page_of_the_desktop_program_is_let_in_if_it_says_that_it_is_one() {
    let server = Server::start();
    let origin = "origin: http://127.0.0.1:41234\r\n";
    let may = |method: &str, headers: &str| {
        let (status, head, _) = server.http(method, "/api/meetings/lookup", headers, b"{}");
        (status, head.contains("access-control-allow-origin: http://127.0.0.1:41234"), head.contains("access-control-allow-credentials"))
    };
    let asks = format!("{origin}access-control-request-method: POST\r\naccess-control-request-headers: conclave-loader,content-type\r\n");
    assert_eq!(may("OPTIONS", &asks), (204, true, false));
    assert_eq!(may("POST", &format!("{origin}conclave-loader: 1\r\n")), (400, true, false), "malformed, and that may be read");
    // A page at that origin that is not the program's, and a page of elsewhere that says it is.
    let others = [
        format!("{origin}access-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n"),
        asks.replace("127.0.0.1:41234", "evil.example"),
        asks.replace("127.0.0.1:41234", "localhost:41234"),
    ];
    for other in others {
        let (status, allowed, _) = may("OPTIONS", &other);
        assert!(status != 204 && !allowed, "{other}");
    }
    assert_eq!(may("POST", origin), (403, false, false));
    let (_, head, _) = server.http("GET", "/", origin, b"");
    assert!(!head.contains("access-control-allow-origin"), "only what is asked of meetings may be read");
    assert_eq!(server.upgrade(Some("http://127.0.0.1:41234")).err(), Some(403));
    assert!(server.upgrade_with(Some("http://127.0.0.1:41234"), Some("conclave-loader")).is_ok());
    assert_eq!(server.upgrade_with(Some("https://evil.example"), Some("conclave-loader")).err(), Some(403));
}

#[test]
fn every_answer_carries_the_headers() {
    let server = Server::start();
    let paths = ["/", "/config.json", "/healthz", "/assets/none.js", "/api/live", "/rtc/v1", "/rtc/v1/validate", "/../etc/passwd"];
    for path in paths {
        let (_, head, _) = server.http("GET", path, "", b"");
        for header in [
            "content-security-policy: default-src 'none'",
            "require-trusted-types-for 'script'",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-embedder-policy: require-corp",
            "cross-origin-resource-policy:",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "permissions-policy: camera=(self)",
            "cache-control:",
        ] {
            assert!(head.contains(header), "{path} lacks {header}:\n{head}");
        }
    }
    assert_eq!(server.http("GET", "/healthz", "", b"").0, 200);
    assert!(server.http("GET", "/config.json", "", b"").1.contains("cache-control: no-store"));
}

#[test]
fn what_proves_the_page_is_served_from_its_folder_and_nothing_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    for (name, text) in [("release.txt", "first"), ("release.txt.tlog-proof", "proof"), ("key", "secret")] {
        write(name, text);
    }
    let server = Server::start_with(&["--release", folder.path().to_str().expect("text")]);
    let get = |name: &str| server.http("GET", &format!("/.well-known/conclave/{name}"), "", b"");
    assert_eq!((get("release.txt").0, get("release.txt").2), (200, "first".to_owned()));
    write("release.txt", "second");
    assert_eq!(get("release.txt").2, "second", "read anew");
    assert_eq!(get("release.txt.tlog-proof").2, "proof");
    for name in ["key", "..%2fkey", "release.txt/../key", ""] {
        assert_eq!(get(name).0, 404, "{name}");
    }
    assert_eq!(Server::start().http("GET", "/.well-known/conclave/release.txt", "", b"").0, 404);
}

#[test]
fn clients_behind_a_named_proxy_are_told_apart_and_stay_with_tls() {
    let server = Server::start_with(&["--trusted-proxy", "127.0.0.1"]);
    assert_eq!(server.create(1, 60), 201);
    let flood = "x-forwarded-for: 198.51.100.7\r\n";
    while server.look_up_with(1, flood).0 != 429 {}
    assert_eq!(server.look_up_with(1, "x-forwarded-for: 198.51.100.7, 203.0.113.1\r\n").0, 200);
    // What stands before what the proxy added is the client's claim.
    assert_eq!(server.look_up_with(1, "x-forwarded-for: 203.0.113.1, 198.51.100.9\r\n").0, 429);
    let stays = |headers: &str| server.http("GET", "/", headers, b"").1.contains("strict-transport-security: max-age=");
    assert!(stays("x-forwarded-proto: https\r\n") && !stays(""));
}

#[test]
fn without_a_named_proxy_nobody_is_believed_about_their_address() {
    let server = Server::start();
    server.create(1, 60);
    let mut n = 0_u32;
    while server.look_up_with(1, &format!("x-forwarded-for: 198.51.{}.7\r\n", n % 256)).0 != 429 {
        n += 1;
        assert!(n < 10_000, "each address that it names has a share of its own");
    }
    assert!(!server.http("GET", "/", "x-forwarded-proto: https\r\n", b"").1.contains("strict-transport-security"));
}

#[test]
fn on_a_closed_server_only_who_has_the_token_makes_meetings() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "a-token-of-the-operator\n").expect("written");
    let server = Server::start_with(&["--create-token-file", &file.path().to_string_lossy()]);
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");
    for wrong in ["", &bearer("another-token-of-somebody"), &bearer(""), &bearer("a-token-of-the-operator-too")] {
        let (status, body) = server.create_with(1, 60, wrong);
        assert!(status == 403 && body.contains("\"closed\"") && body.contains("only some people"), "{status} {body}");
    }
    assert_eq!(server.create_with(1, 60, &bearer("a-token-of-the-operator")).0, 201);
    assert!(server.enter(1, 10).admitted(), "whoever has the link comes in");

    std::fs::write(file.path(), "short\n").expect("written");
    let data = tempfile::tempdir().expect("a folder");
    let (code, said) = failed(program(data.path()).args(["--listen", "127.0.0.1:0", "--create-token-file"]).arg(file.path()));
    assert!(code == Some(1) && said.contains("put a longer one there"), "{code:?} {said}");
}

#[test]
fn each_kind_of_address_has_its_page_and_scripts_get_none() {
    let server = Server::start();
    let get = |path: &str| server.http("GET", path, "", b"");
    for (path, status, words) in [
        ("/", 200, "Meetings locked from inside."),
        ("/m", 200, "Your name, as the others see it"),
        ("/nothing-here", 404, "There is nothing at this address"),
    ] {
        let (got, head, page) = get(path);
        assert!(got == status && head.contains("content-type: text/html"), "{path}: {got} {head}");
        assert!(page.contains(words), "{path}: {page}");
    }
    for path in ["/assets/none.js", "/api/none"] {
        let (status, _, body) = get(path);
        assert_eq!((status, body.as_str()), (404, "no such file"));
    }
}

#[test]
fn the_module_comes_small_to_who_takes_brotli() {
    let server = Server::start();
    let (_, _, page) = server.http("GET", "/", "", b"");
    let script =
        page.split('"').find(|word| word.starts_with("/assets/page-") && word.ends_with(".js")).expect("the page names its script");
    let length = |accept: &str| {
        let (status, head, _) = server.http("GET", script, accept, b"");
        assert!(status == 200 && head.contains("content-type: text/javascript"), "{head}");
        let encoding = head.lines().find_map(|l| l.strip_prefix("content-encoding: ")).unwrap_or_default().to_owned();
        (encoding, head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok()))
    };
    let (plain, whole) = length("");
    let (encoding, small) = length("accept-encoding: gzip, br\r\n");
    assert_eq!((&*plain, &*encoding), ("", "br"));
    assert!(small.expect("a length") * 3 < whole.expect("a length"), "{small:?} of {whole:?}");
}

#[test]
fn asked_to_stop_it_says_so_to_all_and_ends_well() {
    let server = Server::start();
    server.create(1, 60);
    let mut member = server.enter(1, 10);
    assert!(member.admitted());
    let told = std::thread::spawn(move || member.closing());
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(told.join().expect("read"), Some(CloseReason::Stopping));
}

#[test]
fn it_is_ready_until_it_stops_and_alive_to_the_end() {
    let server = Server::start();
    for (path, said) in [("/readyz", "ready"), ("/healthz", "ok")] {
        let (status, _, body) = server.http("GET", path, "", b"");
        assert_eq!((status, body.as_str()), (200, said), "{path}");
    }
    // Connections on which a request has begun are waited for.
    let mut asked = ["/readyz", "/healthz"].map(|path| server.begin_to_get(path));
    server.ask_to_stop();
    while TcpStream::connect(("127.0.0.1", server.port)).is_ok() {}
    let [ready, alive] = asked.each_mut().map(support::finish);
    assert!(ready.starts_with("HTTP/1.1 503") && ready.ends_with("stopping"), "{ready}");
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
}

#[test]
fn figures_are_at_no_port_unless_asked_for_and_never_at_that_of_the_page() {
    let data = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let (code, said) = failed(program(data.path()).args(["--listen", "127.0.0.1:0", "--metrics", &address]));
    assert!(code == Some(1) && said.contains(&address) && said.contains("--metrics"), "{code:?} {said}");
    for server in [Server::start(), Server::start_with(&["--metrics", "127.0.0.1:0"])] {
        assert_eq!(server.http("GET", "/metrics", "", b"").0, 404);
    }
}

fn failed(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().expect("the program starts");
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn a_port_in_use_an_unwritable_folder_and_a_bad_flag_are_said_with_what_to_do() {
    let data = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let (code, said) = failed(program(data.path()).args(["--listen", &address]));
    assert!(code == Some(1) && said.contains(&address) && said.contains("--listen"), "{code:?} {said}");

    let file = tempfile::NamedTempFile::new().expect("a file");
    let (code, said) = failed(program(file.path()).args(["--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && said.contains("data folder") && said.contains("--data"), "{code:?} {said}");

    let (code, said) = failed(program(data.path()).arg("--frobnicate"));
    assert!(code == Some(2) && said.contains("--frobnicate") && said.contains("--help"), "{code:?} {said}");
}
