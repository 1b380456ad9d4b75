//! Playing prompts, against a scripted platform and a real store.

use client::{
    Endpoint, FailureKind, Platform, Tokens, Transport,
    testing::{Reply, ScriptedHttp},
};
use http::Method;
use jobs::playback::{
    Hook, PlaybackError, Player, Playing, Stability, Untold, Work, stability, webhook_effect,
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use store::{EntryFilter, ItemState, Location, Store};
use tempfile::TempDir;
use webhooks::{Callback, Secret, Signer};
use wire::{
    oauth::Credentials,
    playback::{Control, NewSession, PlaybackEvent, PlaybackState},
};

const SESSIONS: &str = "/api/v2/media/sessions";
const EVENTS: &str = "/api/v2/analytics/events/custom";
const ID: &str = "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b";

/// A store, a platform by a script, and the job between them.
struct Rig {
    store: Store,
    http: Arc<ScriptedHttp>,
    player: Option<Player>,
    books: String,
    _folder: TempDir,
}

/// The platform has no active sessions, and takes analytics. Of the sessions themselves the script tells, in order.
async fn rig(script: impl IntoIterator<Item = Reply>) -> Rig {
    scripted(0, 202, script).await
}

async fn scripted(active: u64, analytics: u16, script: impl IntoIterator<Item = Reply>) -> Rig {
    let replies = Mutex::new(script.into_iter().collect::<VecDeque<_>>());
    let http = Arc::new(ScriptedHttp::new(move |request| {
        match (request.method(), request.uri().path()) {
            (_, "/oauth/token") => Reply::token("t", 3600),
            (_, EVENTS) => Reply::answer(analytics, "{}"),
            (&Method::GET, SESSIONS) => Reply::answer(
                200,
                json!({"entities": [], "totalCount": active, "pageSize": 1, "pageNumber": 1}).to_string(),
            ),
            (method, path) => {
                let reply = replies.lock().unwrap().pop_front();
                reply.unwrap_or_else(|| panic!("nobody expected {method} {path}"))
            }
        }
    }));
    let credentials = Credentials {
        client_id: "demo".parse().unwrap(),
        client_secret: "a client secret".into(),
    };
    let mut platform = Platform::new(Endpoint::new("https://platform.example").unwrap(), credentials);
    platform.policy.attempts = 1;
    let transport = Transport::new(http.clone(), Tokens::new(http.clone()), platform);
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("trunkline.db"));
    let store = Store::open(&location).await.unwrap();
    let secret = Secret::generate(&[7; 32]);
    let work = Work {
        hook: Some(Hook {
            url: "https://crm.example/hook".parse().unwrap(),
            signer: Signer::keep(&store, &secret).await.unwrap(),
        }),
        ..Work::new(&transport, store.clone())
    };
    Rig {
        books: work.books.clone(),
        player: Some(Player::new(work)),
        store,
        http,
        _folder: folder,
    }
}

impl Rig {
    async fn play(&self, directive: NewSession) -> Result<Playing, PlaybackError> {
        self.player.as_ref().unwrap().play(directive).await
    }

    /// Once all is told that happened; nothing may be lost.
    async fn told(mut self) -> Self {
        assert_eq!(self.close().await, Untold::default());
        self
    }

    async fn close(&mut self) -> Untold {
        self.player.take().unwrap().close().await
    }

    /// What was asked of the sessions, as `POST /control {...}`.
    fn asked(&self) -> Vec<String> {
        let seen = self.http.seen().into_iter().filter_map(|seen| {
            let path = seen.request.uri().path().strip_prefix(SESSIONS)?;
            Some(format!("{} {path}", seen.request.method()))
        });
        seen.collect()
    }

    /// The audit log: action and detail.
    async fn audit(&self) -> Vec<(String, Value)> {
        let entries = self.store.entries(&EntryFilter::default(), 100).await.unwrap();
        let entry = |entry: &store::KeptEntry| {
            let leaf = entry.leaf.as_deref().unwrap();
            let entry: Value = serde_json::from_str(leaf).unwrap();
            (
                entry["action"].as_str().unwrap().to_owned(),
                entry["detail"].clone(),
            )
        };
        entries.iter().map(entry).collect()
    }

    /// The states that webhooks owed tell of, in order.
    async fn owed(&self) -> Vec<PlaybackState> {
        let mut states = Vec::new();
        for event in 1.. {
            let effect = webhook_effect(&ID.parse().unwrap(), event);
            let Some(item) = self.store.effect(&effect).await.unwrap() else {
                break;
            };
            assert_eq!(item.subject.as_deref(), Some(ID));
            assert!(matches!(item.state, ItemState::Ready | ItemState::Behind));
            let callback = Callback::of(&item).unwrap();
            assert_eq!(callback.url.as_str(), "https://crm.example/hook");
            let event: PlaybackEvent = serde_json::from_str(&callback.body).unwrap();
            states.push(event.metrics.playback_state);
        }
        states
    }
}

fn directive(most: u32) -> NewSession {
    NewSession::parse(
        &json!({"sessionId": ID, "promptId": "prompt-main-menu-en",
            "playbackConfig": {
                "volumeMatrix": {"baseGain": 0.8, "peakLimit": 0.95, "compressionRatio": 0.7},
                "interruptibility": {"allowDTMF": true, "allowVoice": false, "cutoffBehavior": "immediate"},
                "codecPreference": "G711U", "bufferPreload": true, "formatVerification": true},
            "sessionMetadata": {"createdVia": "tests", "timestamp": "2026-11-21T09:30:00.000Z",
                "maxConcurrentStreams": most}})
        .to_string(),
    )
    .unwrap()
}

fn told(status: u16, state: &str, change: Value) -> Reply {
    let mut session = json!({"id": ID, "playbackState": state, "formatVerified": true, "bufferPreloaded": true,
        "latencyMs": 1.25, "positionMs": 0, "durationMs": 4000});
    for (field, value) in change.as_object().unwrap() {
        session[field] = value.clone();
    }
    Reply::answer(status, session.to_string())
}

fn conflict(message: &str) -> Reply {
    Reply::answer(
        409,
        json!({"status": 409, "code": "conflict", "message": message, "errors": [message]}).to_string(),
    )
}

#[tokio::test]
async fn a_playback_is_started_steered_and_followed_and_all_of_it_is_told() {
    let rig = rig([
        told(201, "playing", json!({})),
        told(200, "paused", json!({"positionMs": 40})),
        told(200, "playing", json!({"positionMs": 40})),
        told(200, "playing", json!({"positionMs": 3900})),
        told(
            200,
            "interrupted",
            json!({"positionMs": 3920, "playedMs": 3920, "framesSent": 196,
            "interruption": {"cause": "dtmf", "digit": "5", "atMs": 3910}}),
        ),
    ])
    .await;
    let mut playing = rig.play(directive(50)).await.unwrap();
    playing.control(&Control::Pause).await.unwrap();
    assert_eq!(playing.place().position_ms(), 40);
    playing.control(&Control::Resume).await.unwrap();
    while !playing.session().playback_state.is_over() {
        playing.next().await.unwrap();
    }
    // It is over: nobody is asked any more.
    playing.next().await.unwrap();
    assert_eq!(playing.events(), 4);
    drop(playing);
    let rig = rig.told().await;

    let control = format!("POST /{ID}/control");
    let get = format!("GET /{ID}");
    assert_eq!(rig.asked(), ["GET ", "POST ", &control, &control, &get, &get]);
    let audit = rig.audit().await;
    let actions: Vec<&str> = audit.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        ["play.started", "play.controlled", "play.controlled", "play.over"]
    );
    let (_, started) = &audit[0];
    assert_eq!(started["session"]["latencyMs"], 1.25);
    assert_eq!(started["directive"]["promptId"], "prompt-main-menu-en");
    let (_, over) = &audit[3];
    assert_eq!(over["stabilityRate"], 1.0);
    // Which key it was is in the session alone.
    assert_eq!(over["interruption"], json!({"cause": "dtmf", "atMs": 3910}));
    use PlaybackState::{Interrupted, Paused, Playing};
    assert_eq!(rig.owed().await, [Playing, Paused, Playing, Interrupted]);
    let posted = rig.http.seen_at(EVENTS);
    assert_eq!(posted.len(), 4);
    let last: Value = serde_json::from_slice(posted[3].request.body()).unwrap();
    assert_eq!(last["eventType"], "IVR_PLAYBACK_CONTROL");
    assert_eq!(
        last["metrics"],
        json!({"latencyMs": 1.25, "formatVerified": true, "bufferPreloaded": true,
        "playbackState": "interrupted"})
    );
}

#[tokio::test]
async fn nothing_is_started_beyond_the_limit() {
    for (active, most, starts) in [(0, 1, true), (1, 1, false), (49, 50, true), (50, 50, false)] {
        let script = starts.then(|| told(201, "playing", json!({})));
        let rig = scripted(active, 202, script).await;
        match rig.play(directive(most)).await {
            Ok(_) => assert!(starts, "{active} of {most}"),
            Err(PlaybackError::Full {
                active: told,
                most: limit,
            }) => {
                assert!(!starts && told == active && limit.get() == most);
                assert_eq!(rig.asked(), ["GET "]);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_limit_that_others_reached_meanwhile_is_told_in_the_platforms_words() {
    let rig = rig([conflict("the limit of 50 concurrent streams is reached")]).await;
    let error = rig.play(directive(50)).await.err().unwrap();
    assert!(
        error.to_string().contains("the limit of 50 concurrent streams"),
        "{error}"
    );
    assert_eq!(rig.asked(), ["GET ", "POST "]);
}

#[tokio::test]
async fn a_session_of_which_nobody_knows_whether_it_plays_is_stopped() {
    for reply in [Reply::fail(FailureKind::Broken), Reply::answer(201, "{}")] {
        let rig = rig([reply, Reply::answer(204, "")]).await;
        assert!(rig.play(directive(50)).await.is_err());
        assert_eq!(rig.asked(), ["GET ", "POST ", &format!("DELETE /{ID}")]);
    }
}

#[tokio::test]
async fn a_directive_with_faults_is_not_sent() {
    let rig = rig([]).await;
    let mut faulty = directive(50);
    faulty.config.silence_trim_ms = Some(299);
    let error = rig.play(faulty).await.err().unwrap();
    assert!(
        matches!(&error, PlaybackError::Faults(faults) if faults.as_slice().len() == 1),
        "{error}"
    );
    assert!(rig.http.seen().is_empty());
}

#[tokio::test]
async fn a_control_that_is_refused_changes_nothing() {
    let rig = rig([
        told(201, "playing", json!({})),
        Reply::answer(
            400,
            r#"{"status":400,"code":"bad_request","message":"positionMs is beyond the end","errors":[]}"#,
        ),
        told(200, "completed", json!({"underruns": 2})),
    ])
    .await;
    let mut playing = rig.play(directive(50)).await.unwrap();
    let beyond = Control::Seek { position_ms: 9000 };
    assert!(playing.control(&beyond).await.is_err());
    assert_eq!(playing.session().playback_state, PlaybackState::Playing);
    assert_eq!(
        playing.next().await.unwrap().playback_state,
        PlaybackState::Completed
    );
    assert_eq!(playing.events(), 2);
}

#[tokio::test]
async fn a_session_that_the_platform_forgot_is_no_end() {
    let rig = rig([told(201, "playing", json!({})), Reply::answer(404, "")]).await;
    let mut playing = rig.play(directive(50)).await.unwrap();
    assert!(matches!(playing.next().await, Err(PlaybackError::Forgotten)));
}

#[tokio::test]
async fn analytics_that_fail_are_counted_and_disturb_nothing() {
    let mut rig = scripted(0, 400, [told(201, "completed", json!({}))]).await;
    let playing = rig.play(directive(50)).await.unwrap();
    assert_eq!(playing.session().playback_state, PlaybackState::Completed);
    drop(playing);
    let untold = rig.close().await;
    assert_eq!((untold.analytics, untold.entries), (2, 0));
}

#[tokio::test]
async fn stability_is_the_share_of_sessions_that_were_verified_preloaded_and_never_late() {
    let rig = rig([
        told(201, "completed", json!({})),
        told(201, "stopped", json!({})),
        told(201, "completed", json!({"underruns": 1})),
        told(201, "failed", json!({"failure": "nobody listens"})),
        told(201, "completed", json!({"formatVerified": false})),
        told(201, "completed", json!({"bufferPreloaded": false})),
    ])
    .await;
    for _ in 0..6 {
        drop(rig.play(directive(50)).await.unwrap());
    }
    let Rig { store, books, .. } = rig.told().await;
    let told = stability(&store, &books).await.unwrap();
    assert_eq!(
        told,
        Stability {
            sessions: 6,
            stable: 2
        }
    );
    assert_eq!(told.rate(), Some(2.0 / 6.0));
    assert_eq!(stability(&store, "another").await.unwrap().rate(), None);
}
