use super::*;
use crate::playback::{session::Facts, source::Source};
use wire::{
    Faults,
    playback::{NewSession, PlaybackState},
};

fn id(number: u64) -> SessionId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

fn client(name: &str) -> ClientId {
    name.parse().unwrap()
}

fn at(seconds: u64) -> Moment {
    Moment::at(Duration::from_secs(seconds))
}

fn directive() -> Result<NewSession, Faults> {
    NewSession::parse(
        r#"{"sessionId": "00000000-0000-4000-8000-000000000001", "promptId": "p", "playbackConfig": {
            "volumeMatrix": {"baseGain": 1, "peakLimit": 1, "compressionRatio": 1},
            "interruptibility": {"allowDTMF": true, "allowVoice": false, "cutoffBehavior": "fade"},
            "codecPreference": "G711U", "bufferPreload": true, "formatVerification": true},
            "sessionMetadata": {"createdVia": "test", "timestamp": "2026-11-21T09:30:00.000Z"}}"#,
    )
}

/// A session that begins.
fn begin(book: &Arc<Book>, number: u64, of: &str, now: Moment) -> Result<Arc<Session>, NoSeat> {
    let seat = book.reserve(&id(number), &client(of), None, now)?;
    let directive = directive().unwrap();
    let facts = Facts {
        serial: seat.serial,
        id: id(number),
        client: client(of),
        prompt: directive.prompt,
        source: Source::Asset(String::new(), [0; 32]),
        config: directive.config,
        created_at: "2026-11-21T09:30:00.000Z".parse().unwrap(),
        correlation: "c".parse().unwrap(),
        format_verified: true,
        buffer_preloaded: true,
    };
    let session = Arc::new(Session::new(facts, 1000));
    seat.take(&session);
    Ok(session)
}

fn page(size: usize, number: usize) -> PageAsked {
    PageAsked { size, number }
}

#[test]
fn a_client_has_so_many_streams_and_may_ask_for_fewer() {
    let book = Arc::new(Book::new(3));
    for number in 1..=3 {
        begin(&book, number, "alice", at(0)).unwrap();
    }
    assert_eq!(begin(&book, 4, "alice", at(0)).err(), Some(NoSeat::Limit(3)));
    let session = begin(&book, 5, "bob", at(0)).unwrap();
    let lower = book.reserve(&id(6), &client("bob"), Some(1), at(0));
    assert_eq!(lower.err(), Some(NoSeat::Limit(1)));
    let higher = book.reserve(&id(6), &client("alice"), Some(50), at(0));
    assert_eq!(higher.err(), Some(NoSeat::Limit(3)));
    book.over(&session, at(1));
    assert!(book.reserve(&id(6), &client("bob"), Some(1), at(0)).is_ok());
}

#[test]
fn what_did_not_begin_takes_no_place_and_no_id() {
    let book = Arc::new(Book::new(1));
    let seat = book.reserve(&id(1), &client("alice"), None, at(0)).unwrap();
    assert_eq!(begin(&book, 1, "bob", at(0)).err(), Some(NoSeat::Exists));
    assert!(book.find(&client("alice"), &id(1)).is_none());
    drop(seat);
    assert!(begin(&book, 1, "bob", at(0)).is_ok());
    assert!(book.find(&client("bob"), &id(1)).is_some());
    assert!(book.find(&client("alice"), &id(1)).is_none(), "it is another's");
}

#[test]
fn sessions_that_are_over_are_remembered_for_an_hour() {
    let book = Arc::new(Book::new(50));
    let session = begin(&book, 1, "alice", at(0)).unwrap();
    book.over(&session, at(10));
    assert_eq!(begin(&book, 1, "alice", at(3_609)).err(), Some(NoSeat::Exists));
    assert!(begin(&book, 1, "alice", at(3_610)).is_ok());
}

#[test]
fn at_most_10_000_are_remembered_and_the_oldest_go() {
    let book = Arc::new(Book::new(50));
    for number in 0..=MOST_REMEMBERED as u64 {
        let session = begin(&book, number, "alice", at(1)).unwrap();
        book.over(&session, at(1));
    }
    assert!(book.find(&client("alice"), &id(0)).is_none());
    assert!(book.find(&client("alice"), &id(1)).is_some());
    let (_, count) = book.list(&client("alice"), SessionFilter::All, page(1, 1), at(1));
    assert_eq!(count, MOST_REMEMBERED as u64);
}

#[test]
fn a_list_is_the_clients_own_newest_first() {
    let book = Arc::new(Book::new(50));
    for number in 1..=5 {
        begin(&book, number, "alice", at(0)).unwrap();
    }
    begin(&book, 6, "bob", at(0)).unwrap();
    let list = |filter, page| {
        let (sessions, count) = book.list(&client("alice"), filter, page, at(0));
        let ids: Vec<_> = sessions.iter().map(|session| session.facts.id.clone()).collect();
        (ids, count)
    };
    assert_eq!(list(SessionFilter::All, page(2, 1)), (vec![id(5), id(4)], 5));
    assert_eq!(list(SessionFilter::Active, page(2, 3)), (vec![id(1)], 5));
    assert_eq!(list(SessionFilter::Over, page(2, 1)), (vec![], 0));
}

#[test]
fn the_stability_rate_is_the_share_of_sessions_that_ran_as_they_should() {
    let book = Arc::new(Book::new(50));
    let good = begin(&book, 1, "alice", at(0)).unwrap();
    let late = begin(&book, 2, "alice", at(0)).unwrap();
    late.underrun(1);
    assert_eq!(good.state(), PlaybackState::Buffering);
    assert_eq!(book.over(&good, at(1)).rate(), 1.0);
    let stability = book.over(&late, at(1));
    assert_eq!((stability.sessions, stability.rate()), (2, 0.5));
}
