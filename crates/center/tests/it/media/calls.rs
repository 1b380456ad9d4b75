//! Calls play what was compiled for the nodes of their flow.

use super::{FLOW, asset, compile, get, over, prompts, request, tone, with_flow};
use crate::support::{Rig, Ws, demo_prompts, event, event_named, play, say, send, tenant_with};
use reqwest::Method;
use serde_json::{Value, json};

const MILLIS: usize = 8;

/// Plays a prompt to its end in a call of its own; gives the call and what its caller heard, as mu-law.
async fn heard(rig: &Rig, token: &str, call: &str, prompt: &str, more: Value) -> (Value, Vec<f32>) {
    let mut placing = json!({"record": true});
    placing
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    rig.place(call, placing).await;
    let mut socket = rig.control(token, call, &["play", "hangup"]).await;
    say(&mut socket, play(prompt, "p", &[])).await;
    assert_eq!(
        event_named(&mut socket, "playback_finished").await["reason"],
        "completed"
    );
    (
        rig.ended_after_hangup(&mut socket, call).await,
        recorded(rig, call).await,
    )
}

impl Rig {
    async fn ended_after_hangup(&self, socket: &mut Ws, call: &str) -> Value {
        say(socket, json!({"action": "hangup"})).await;
        self.ended(call).await
    }
}

/// What the caller heard.
async fn recorded(rig: &Rig, call: &str) -> Vec<f32> {
    let recording = rig.admin(Method::GET, &format!("/center/v1/calls/{call}/recording"));
    let bytes = recording.send().await.unwrap().bytes().await.unwrap();
    audio::wav::read_recording(&bytes).unwrap()[0].clone()
}

/// How many milliseconds of the sound have this frequency and hardly another.
fn ms_of(hertz: f32, sound: &[f32]) -> usize {
    let is_it = |frame: &&[f32]| {
        let power: f32 = frame.iter().map(|sample| sample * sample).sum();
        let step = hertz * std::f32::consts::TAU / 8000.0;
        let (re, im) = frame
            .iter()
            .enumerate()
            .fold((0.0, 0.0), |(re, im), (n, sample)| {
                (
                    re + sample * (step * n as f32).cos(),
                    im + sample * (step * n as f32).sin(),
                )
            });
        power > 0.01 && (re * re + im * im) * 2.0 / frame.len() as f32 > 0.9 * power
    };
    sound.chunks_exact(10 * MILLIS).filter(is_it).count() * 10
}

#[tokio::test]
async fn a_call_hears_what_was_compiled_for_its_flow_and_else_the_library() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let (before, sound) = heard(&rig, &token, "before", "confirmed", json!({})).await;
    assert_eq!(before["flowId"], FLOW);
    let library = audio::decode(std::fs::read(demo_prompts().join("confirmed.wav")).unwrap()).unwrap();
    let found = audio::matching::find(&sound, &library.resampled(8000).samples).unwrap();
    assert!(found.score > 0.95, "it is the library's: {found:?}");

    let tone_440 = asset(&rig, &token, &tone(440.0, 16_000, 700)).await;
    let mut body = request(&[(&tone_440, "confirmed")]);
    body["encoding"] = json!("alaw");
    over(&rig, &token, &compile(&rig, &token, &body).await).await;
    for (call, codec) in [("mu", "PCMU"), ("a", "PCMA")] {
        let (after, sound) = heard(&rig, &token, call, "confirmed", json!({"codec": codec})).await;
        let ms = ms_of(440.0, &sound);
        assert!((650..=710).contains(&ms), "{ms} ms of the tone");
        // Nothing else of the call is different.
        let story = |call: &Value| -> Vec<String> {
            let moments = call["timeline"].as_array().unwrap().iter();
            moments.map(|moment| moment["what"].to_string()).collect()
        };
        assert_eq!(story(&after), story(&before));
    }
    // What the flow has no node for comes from the library, what neither has fails.
    heard(&rig, &token, "library", "invalid", json!({})).await;
    rig.place("none", json!({})).await;
    let mut socket = rig.control(&token, "none", &["play"]).await;
    say(&mut socket, play("nothing", "p", &[])).await;
    let failed = event(&mut socket).await;
    assert_eq!(
        (&failed["event"], &failed["reason"]),
        (&"playback_finished".into(), &"failed".into())
    );
    assert!(
        failed["message"].as_str().unwrap().contains("no prompt"),
        "{failed}"
    );
    // A compiled file can be played by its address, too.
    let uri = prompts(&rig, &token).await[0]["downloadUri"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, sound) = heard(&rig, &token, "by-url", &uri, json!({})).await;
    assert!(ms_of(440.0, &sound) > 650);
}

#[tokio::test]
async fn a_prompt_that_is_compiled_anew_is_heard_to_its_end_unmixed() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let old = asset(&rig, &token, &tone(440.0, 8000, 3000)).await;
    let new = asset(&rig, &token, &tone(900.0, 8000, 500)).await;
    over(
        &rig,
        &token,
        &compile(&rig, &token, &request(&[(&old, "n")])).await,
    )
    .await;
    rig.place("c", json!({"record": true})).await;
    let mut socket = rig.control(&token, "c", &["play", "hangup"]).await;
    say(&mut socket, play("n", "old", &[])).await;
    event_named(&mut socket, "playback_started").await;
    over(
        &rig,
        &token,
        &compile(&rig, &token, &request(&[(&new, "n")])).await,
    )
    .await;
    say(&mut socket, play("n", "new", &[])).await;
    assert_eq!(
        event_named(&mut socket, "playback_finished").await["commandId"],
        "old"
    );
    assert_eq!(
        event_named(&mut socket, "playback_finished").await["commandId"],
        "new"
    );
    rig.ended_after_hangup(&mut socket, "c").await;
    let sound = recorded(&rig, "c").await;
    let (old, new) = (ms_of(440.0, &sound), ms_of(900.0, &sound));
    assert!(
        (2900..=3010).contains(&old) && (450..=510).contains(&new),
        "{old} and {new} ms"
    );
}

#[tokio::test]
async fn a_call_belongs_to_the_flow_that_it_names() {
    let two = format!("[[flow]]\nid = {FLOW:?}\n[[flow]]\nid = \"other\"");
    let rig = Rig::start_with(|options| options.tenant = tenant_with(&two)).await;
    let token = rig.token().await;
    let tone = asset(&rig, &token, &tone(440.0, 8000, 300)).await;
    over(
        &rig,
        &token,
        &compile(&rig, &token, &request(&[(&tone, "confirmed")])).await,
    )
    .await;
    let (call, sound) = heard(&rig, &token, "other", "confirmed", json!({"flow": "other"})).await;
    assert_eq!((&call["flowId"], ms_of(440.0, &sound)), (&"other".into(), 0));
    let (call, sound) = heard(&rig, &token, "none", "confirmed", json!({})).await;
    assert_eq!((&call["flowId"], ms_of(440.0, &sound)), (&Value::Null, 0));
    let (_, sound) = heard(&rig, &token, "this", "confirmed", json!({"flow": FLOW})).await;
    assert!(ms_of(440.0, &sound) > 250);
    let body = json!({"ani": "+1555", "dnis": "+1800", "flow": "nobody's"}).to_string();
    let refused = send(rig.admin(Method::POST, "/center/v1/calls").body(body)).await;
    refused.refused(400, "bad_request").mentions("nobody's");
    assert!(
        get(&rig, &token, "/api/v2/flows/other/prompts").await.body["prompts"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}
