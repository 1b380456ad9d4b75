//! Playback sessions and analytics events.

use crate::support::{Watch, rig};
use client::{Error, FailureKind, Playback, testing::Reply};
use http::Method;
use serde_json::{Value, json};
use wire::{
    Faults,
    page::PageAsked,
    playback::{
        AnalyticsEvent, Conflict, Control, NewSession, PlaybackEvent, PlaybackState, Session, SessionFilter,
    },
};

const ID: &str = "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b";
const SESSIONS: &str = "/api/v2/media/sessions";

fn directive() -> NewSession {
    let body = json!({"sessionId": ID, "promptId": "welcome", "playbackConfig": {
            "volumeMatrix": {"baseGain": 0.8, "peakLimit": 0.95, "compressionRatio": 0.7},
            "interruptibility": {"allowDTMF": true, "allowVoice": false, "cutoffBehavior": "fade"},
            "codecPreference": "G711A", "bufferPreload": true, "formatVerification": true},
        "sessionMetadata": {"createdVia": "test", "timestamp": "2026-11-21T09:30:00.000Z"},
        "destination": {"rtpUrl": "rtp://192.0.2.7:4000"}});
    NewSession::parse(&body.to_string()).unwrap()
}

fn session(state: &str) -> Value {
    json!({"id": ID, "playbackState": state, "formatVerified": true, "bufferPreloaded": true, "latencyMs": 0.417})
}

fn refused(status: u16, message: &str) -> Reply {
    let body = json!({"status": status, "code": "conflict", "message": message, "errors": [message]});
    Reply::answer(status, body.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_session_is_started_once_however_often_it_is_asked_for() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::fail(FailureKind::Broken),
        2 => Reply::answer(429, "").with_header("retry-after", "2"),
        _ => Reply::answer(201, session("playing").to_string()),
    });
    let playback = Playback::new(&transport).with_correlation("corr-1".parse().unwrap());
    let watch = Watch::start();
    let started = playback.create(&directive()).await.unwrap();
    assert_eq!(
        (started.playback_state, started.latency_ms),
        (PlaybackState::Playing, 0.417)
    );
    assert!(watch.ms() >= 2000, "{}", watch.ms());
    let posts = http.seen_at(SESSIONS);
    assert_eq!(posts.len(), 3);
    for post in &posts {
        assert_eq!(post.header("idempotency-key"), posts[0].header("idempotency-key"));
        assert_eq!(post.header("x-correlation-id"), "corr-1");
        let body = std::str::from_utf8(post.request.body()).unwrap();
        assert_eq!(NewSession::parse(body), Ok(directive()));
    }
    assert!(!posts[0].header("idempotency-key").is_empty());
    let token = http.seen_at("/oauth/token").remove(0);
    let form = std::str::from_utf8(token.request.body()).unwrap();
    for scope in ["media%3Amanage", "media%3Aread", "analytics%3Awrite"] {
        assert!(form.contains(scope), "{form}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_directive_with_faults_is_not_sent() {
    let (http, transport) = rig(|_, _| Reply::answer(201, session("playing").to_string()));
    let mut wrong = directive();
    wrong.config.silence_trim_ms = Some(299);
    wrong.metadata.max_concurrent_streams = Some(51);
    let error = Playback::new(&transport).create(&wrong).await.unwrap_err();
    assert!(matches!(error, Error::BadRequest(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("silenceTrimMs must be 300 to 10000, not 299; "),
        "{text}"
    );
    assert!(
        text.contains("maxConcurrentStreams must be 1 to 50, not 51"),
        "{text}"
    );
    assert_eq!(http.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_taken_is_told_from_the_stream_limit() {
    let directive = directive();
    for (reply, conflict) in [
        (
            Conflict::session_exists(&directive.session),
            Some(Conflict::SessionExists),
        ),
        (Conflict::stream_limit(50), Some(Conflict::StreamLimit)),
        ("no".to_owned(), None),
    ] {
        let message = reply.clone();
        let (http, transport) = rig(move |_, _| refused(409, &message));
        let error = Playback::new(&transport).create(&directive).await.unwrap_err();
        assert_eq!(error.conflict(), conflict);
        assert!(error.to_string().contains(&reply), "{error}");
        assert_eq!(http.seen_at(SESSIONS).len(), 1, "it is not tried again");
    }
    let (_, transport) = rig(|_, _| refused(404, "the prompt does not exist"));
    let error = Playback::new(&transport).create(&directive).await.unwrap_err();
    assert_eq!((error.status(), error.conflict()), (Some(404), None));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_only_the_list_of_faults_tells_is_told() {
    let body =
        json!({"status": 409, "code": "conflict", "message": "conflict", "errors": ["too many streams"]});
    let (_, transport) = rig(move |_, _| Reply::answer(409, body.to_string()));
    let error = Playback::new(&transport).create(&directive()).await.unwrap_err();
    assert_eq!(error.conflict(), Some(Conflict::StreamLimit));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_looked_at_and_listed_in_spite_of_failures() {
    let (http, transport) = rig(|number, request| match (number % 2, request.uri().query()) {
        (1, _) => Reply::answer(503, ""),
        (_, None) => Reply::answer(200, session("paused").to_string()),
        (_, Some(_)) => {
            let page = json!({"entities": [session("playing")], "totalCount": 5, "pageSize": 2, "pageNumber": 2,
                "nextUri": "/api/v2/media/sessions?status=active&pageSize=2&pageNumber=3"});
            Reply::answer(200, page.to_string())
        }
    });
    let playback = Playback::new(&transport);
    let read = playback.get(&ID.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(read.playback_state, PlaybackState::Paused);
    let asked = PageAsked::parse(Some("2"), Some("2"), &mut Faults::new());
    let page = playback.list(SessionFilter::Active, asked).await.unwrap();
    assert_eq!((page.entities.len(), page.total_count), (1, 5));
    assert!(page.next_uri.is_some());
    let list = http.seen_at(SESSIONS).pop().unwrap();
    assert_eq!(
        list.request.uri().query(),
        Some("status=active&pageSize=2&pageNumber=2")
    );
    assert_eq!(http.seen_at(ID).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_stopped_and_what_is_not_there_is_no_error() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::fail(FailureKind::Broken),
        2 => Reply::answer(204, ""),
        _ => Reply::answer(404, ""),
    });
    let playback = Playback::new(&transport);
    let id = ID.parse().unwrap();
    assert!(playback.stop(&id).await.unwrap());
    assert!(!playback.stop(&id).await.unwrap());
    assert_eq!(playback.get(&id).await.unwrap(), None);
    let seen = http.seen_at(&format!("{SESSIONS}/{ID}"));
    let methods: Vec<_> = seen.iter().map(|seen| seen.request.method().clone()).collect();
    assert_eq!(
        methods,
        [Method::DELETE, Method::DELETE, Method::DELETE, Method::GET]
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_is_steered_and_one_that_is_over_says_so() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::answer(503, ""),
        2 => Reply::answer(200, session("playing").to_string()),
        _ => refused(
            409,
            &Conflict::session_over(&ID.parse().unwrap(), PlaybackState::Completed),
        ),
    });
    let playback = Playback::new(&transport);
    let id = ID.parse().unwrap();
    let seek = Control::Seek { position_ms: 1500 };
    let after = playback.control(&id, &seek).await.unwrap();
    assert_eq!(after.playback_state, PlaybackState::Playing);
    let error = playback.control(&id, &Control::Pause).await.unwrap_err();
    assert_eq!(error.conflict(), Some(Conflict::SessionOver));
    assert!(error.to_string().contains("completed"), "{error}");
    let seen = http.seen_at(&format!("{SESSIONS}/{ID}/control"));
    let bodies: Vec<_> = seen.iter().map(|seen| seen.request.body().clone()).collect();
    assert_eq!(bodies[1], r#"{"action":"seek","positionMs":1500}"#);
    assert_eq!(bodies[2], r#"{"action":"pause"}"#);
    let keys: Vec<_> = seen.iter().map(|seen| seen.header("idempotency-key")).collect();
    assert!(keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_session_is_not_believed() {
    let (_, transport) = rig(|_, _| Reply::answer(200, session("dancing").to_string()));
    let error = Playback::new(&transport)
        .get(&ID.parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_posted_for_analytics() {
    let (http, transport) = rig(|_, _| Reply::answer(202, ""));
    let session: Session = serde_json::from_value(session("completed")).unwrap();
    let event = PlaybackEvent::of(&session, "2026-11-21T09:30:00Z".parse().unwrap());
    let event = AnalyticsEvent::from(&event);
    Playback::new(&transport).analytics(&event).await.unwrap();
    let seen = http.seen_at("/api/v2/analytics/events/custom").remove(0);
    let body = std::str::from_utf8(seen.request.body()).unwrap();
    assert_eq!(AnalyticsEvent::parse(body), Ok(event));
    assert_eq!(seen.request.method(), Method::POST);
}
