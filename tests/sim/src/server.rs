use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use conclave_admission::{
    Admission, Block, Config, ConnectionId, HttpRequest, HttpRequestId, HttpResponse, Input, InputError, LocalCounts, LocalOrders,
    MediaCommand, Output, Record, StoreError,
};
use conclave_base::{Machine as _, MeetingId, MemberId, Polled, Time};
use conclave_protocol::http::{ApiError, ApiErrorCode};
use conclave_protocol::limits::PEOPLE;
use conclave_protocol::paths;

use crate::action::Person;
use crate::dice::Dice;
use crate::liar::Liar;

/// The real [`Admission`] with a shell that keeps records and answers at once. In hostile hands, a [`Liar`] takes all WebSockets.
pub(crate) struct Server {
    seed: u64,
    starts: u64,
    admission: Option<Admission>,
    orders: LocalOrders,
    counts: LocalCounts,
    /// What a disk keeps when the process ends.
    records: BTreeMap<MeetingId, Record>,
    due: Time,
    pub(crate) liar: Option<Liar>,
    /// In one session.
    pub(crate) people: u32,
}

/// What the server asks of the network.
#[derive(Debug)]
pub(crate) enum Said {
    Send { conn: u64, bytes: Arc<[u8]> },
    Close { conn: u64 },
    Http { id: u64, status: u16, body: Vec<u8> },
    Expel(MemberId),
}

impl Server {
    pub(crate) fn new(seed: u64, liar: Option<Liar>) -> Self {
        Self {
            seed,
            starts: 0,
            admission: None,
            orders: LocalOrders::default(),
            counts: LocalCounts::default(),
            records: BTreeMap::new(),
            due: Time::MAX,
            liar,
            people: PEOPLE,
        }
    }

    pub(crate) fn start(&mut self, now: Time) {
        self.starts += 1;
        let secret = Dice::new(self.seed, "server", self.starts).secret();
        self.admission = Some(Admission::new(Config { people: self.people, ..Config::new(secret.clone(), secret) }, now));
        self.orders = LocalOrders::default();
        self.counts = LocalCounts::default();
        self.due = now;
        if let Some(liar) = &mut self.liar {
            liar.restart(now);
        }
    }

    pub(crate) fn kill(&mut self) {
        (self.admission, self.due) = (None, Time::MAX);
    }

    pub(crate) const fn is_up(&self) -> bool {
        self.admission.is_some()
    }

    /// When it is to be woken.
    pub(crate) fn due(&self) -> Time {
        self.liar.as_ref().filter(|_| self.is_up()).map_or(self.due, |liar| liar.due().min(self.due))
    }

    pub(crate) fn http(&mut self, id: u64, path: &str, body: &[u8], now: Time) -> Vec<Said> {
        let request = match path {
            paths::MEETINGS => serde_json::from_slice(body).map(HttpRequest::create),
            paths::MEETING_UPDATE => serde_json::from_slice(body).map(HttpRequest::Update),
            _ => serde_json::from_slice(body).map(HttpRequest::LookupMeeting),
        };
        match request {
            Ok(request) => self.input(Input::HttpRequest { id: HttpRequestId(id), block: Block::default(), request }, now),
            Err(_) => vec![answer(id, Err(ApiErrorCode::Malformed))],
        }
    }

    pub(crate) fn input(&mut self, input: Input<'_>, now: Time) -> Vec<Said> {
        let mut said = Vec::new();
        let Some(admission) = &mut self.admission else { return said };
        if let Some(liar) = &mut self.liar {
            match input {
                Input::Disconnected { conn } => {
                    liar.on_disconnected(conn.0, now);
                    return said;
                }
                Input::Stop => return liar.on_stop(),
                Input::Timeout => said = liar.on_timeout(now),
                Input::Connected { .. }
                | Input::Message { .. }
                | Input::Unreadable { .. }
                | Input::Alive { .. }
                | Input::Sent { .. }
                | Input::Media(_) => return said,
                Input::HttpRequest { .. }
                | Input::MeetingLoaded { .. }
                | Input::MeetingStored { .. }
                | Input::TokenIssued { .. }
                | Input::Told { .. }
                | Input::Counted { .. }
                | Input::Ordered { .. }
                | Input::Moved { .. }
                | Input::Lapsed { .. }
                | Input::Ended { .. }
                | Input::Drain { .. } => {}
            }
        }
        // What comes too late is a matter of course.
        let (Ok(()) | Err(InputError::UnknownConnection | InputError::UnknownRequest)) = admission.handle(input, now);
        let mut answers = VecDeque::new();
        loop {
            match admission.poll() {
                Polled::Output(output) => match output {
                    Output::Send { conn, bytes } => said.push(Said::Send { conn: conn.0, bytes }),
                    Output::Admitted { .. } | Output::Drained => {}
                    Output::Close { conn, .. } => said.push(Said::Close { conn: conn.0 }),
                    Output::HttpResponse { id, response } => said.push(answer(id.0, response)),
                    Output::LoadMeeting { request, meeting } => {
                        answers.push_back(Input::MeetingLoaded { request, record: Ok(self.records.get(&meeting).cloned()) });
                    }
                    Output::StoreMeeting { request, record } => {
                        let exists = self.records.contains_key(&record.meeting);
                        self.records.entry(record.meeting).or_insert(record);
                        answers.push_back(Input::MeetingStored { request, result: if exists { Err(StoreError::Exists) } else { Ok(()) } });
                    }
                    Output::UpdateMeeting { request, meeting, sealed_meta } => {
                        self.records.entry(meeting).and_modify(|record| record.sealed_meta = sealed_meta);
                        answers.push_back(Input::MeetingStored { request, result: Ok(()) });
                    }
                    Output::DeleteExpired { until } => self.records.retain(|_, record| record.expires_at > until),
                    Output::IssueToken { request, identity, .. } => {
                        answers.push_back(Input::TokenIssued { request, token: Some(identity.to_text()) });
                    }
                    Output::Order { request, meeting, log, ask } => {
                        answers.extend(self.orders.handle(request, meeting, log, ask, now));
                    }
                    Output::Count { request, count } => {
                        let counted = Ok(self.counts.handle(count, now));
                        answers.extend(request.map(|request| Input::Counted { request, counted }));
                    }
                    Output::Unfollow { meeting, log } => self.orders.unfollow(meeting, log),
                    Output::Media(MediaCommand::Permit { .. } | MediaCommand::Release { .. }) => {}
                    Output::Media(MediaCommand::Expel { identity, .. }) => said.push(Said::Expel(identity)),
                },
                Polled::Idle(due) => match answers.pop_front() {
                    Some(answer) => {
                        let (Ok(()) | Err(InputError::UnknownConnection | InputError::UnknownRequest)) = admission.handle(answer, now);
                    }
                    None => {
                        self.due = due;
                        return said;
                    }
                },
            }
        }
    }

    /// Somebody's WebSocket is open.
    pub(crate) fn connected(&mut self, conn: u64, person: Person, now: Time) -> Vec<Said> {
        match &mut self.liar {
            Some(liar) => liar.on_connected(conn, person, now),
            None => return self.input(Input::Connected { conn: ConnectionId(conn), block: Block(person as u64) }, now),
        }
        Vec::new()
    }

    pub(crate) fn message(&mut self, conn: u64, bytes: &[u8], now: Time) -> Vec<Said> {
        if let Some(liar) = self.liar.as_mut().filter(|_| self.admission.is_some()) {
            return liar.on_message(conn, bytes, now);
        }
        self.input(Input::Message { conn: ConnectionId(conn), bytes }, now)
    }
}

/// As `apps/server` answers.
fn answer(id: u64, response: Result<HttpResponse, ApiErrorCode>) -> Said {
    let (status, body) = match response {
        Ok(HttpResponse::Created(created)) => (201, serde_json::to_vec(&created)),
        Ok(HttpResponse::Updated | HttpResponse::Noted) => (204, Ok(Vec::new())),
        Ok(HttpResponse::Info(info)) => (200, serde_json::to_vec(&info)),
        Ok(HttpResponse::HostKey(taken)) => (200, serde_json::to_vec(&taken)),
        Ok(HttpResponse::HostKeyOffers(offers)) => (200, serde_json::to_vec(&offers)),
        Ok(HttpResponse::Evaluated(evaluated)) => (200, serde_json::to_vec(&evaluated)),
        Ok(HttpResponse::TooManyMeetings { retry_after }) => {
            let problem = ApiError { retry_after: Some(retry_after), ..ApiError::new(ApiErrorCode::Busy, String::new()) };
            (429, serde_json::to_vec(&problem))
        }
        Ok(HttpResponse::TooManyTries { retry_after }) => {
            let problem = ApiError { retry_after: Some(retry_after), ..ApiError::new(ApiErrorCode::TooManyTries, String::new()) };
            (429, serde_json::to_vec(&problem))
        }
        Err(code) => {
            let status = match code {
                ApiErrorCode::Malformed => 400,
                ApiErrorCode::TooLarge => 413,
                ApiErrorCode::NotFound => 404,
                ApiErrorCode::Exists => 409,
                ApiErrorCode::NotHost => 403,
                ApiErrorCode::Taken => 410,
                ApiErrorCode::Busy => 429,
                ApiErrorCode::TooManyTries => 429,
                ApiErrorCode::Full => 507,
                ApiErrorCode::Closed => 403,
                ApiErrorCode::Unavailable => 503,
                ApiErrorCode::Internal => 500,
            };
            (status, serde_json::to_vec(&ApiError::new(code, String::new())))
        }
    };
    Said::Http { id, status, body: body.expect("these types have no failing serializer") }
}
