//! Prompt assets, compilation, flows: what contract section 6 promises.

mod assets;
mod audited;
mod callbacks;
mod calls;
mod compile;
mod faulty;

use crate::support::{Answer, PATIENCE, Rig, send, tenant_with};
use center::Options;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

pub(crate) const ASSETS: &str = "/api/v2/media/assets";
pub(crate) const COMPILE: &str = "/api/v2/media/compile";
pub(crate) const FLOW: &str = "your-flow-id";

/// A center with one flow, that delivers webhooks.
pub(crate) fn with_flow(options: &mut Options) {
    options.tenant = tenant_with(&format!("[[flow]]\nid = {FLOW:?}"));
    options.completions.deliver = true;
}

/// A WAV of 16-bit PCM: a tone of that frequency.
pub(crate) fn tone(hertz: f32, rate: u32, ms: u32) -> Vec<u8> {
    let samples = (0..rate * ms / 1000)
        .map(|n| (8000.0 * (n as f32 * hertz * std::f32::consts::TAU / rate as f32).sin()) as i16);
    wav(rate, 1, &samples.collect::<Vec<_>>())
}

pub(crate) fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let bytes_per_s = rate * u32::from(channels) * 2;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend(bytes_per_s.to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// The body of a form with one file.
pub(crate) fn form_of(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--boundary-7\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: audio/wav\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--boundary-7--\r\n"].concat()
}

pub(crate) async fn upload(rig: &Rig, token: &str, name: &str, bytes: &[u8]) -> Answer {
    let request = rig
        .request(Method::POST, ASSETS)
        .bearer_auth(token)
        .header("content-type", "multipart/form-data; boundary=boundary-7")
        .body(form_of(name, bytes));
    send(request).await
}

/// Uploads what is new; gives the asset's id.
pub(crate) async fn asset(rig: &Rig, token: &str, bytes: &[u8]) -> String {
    let answer = upload(rig, token, "tone.wav", bytes).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn get(rig: &Rig, token: &str, path: &str) -> Answer {
    send(rig.request(Method::GET, path).bearer_auth(token)).await
}

pub(crate) async fn post(rig: &Rig, token: &str, body: &Value) -> Answer {
    let request = rig.request(Method::POST, COMPILE).bearer_auth(token);
    send(request.body(body.to_string())).await
}

/// A request to compile these pairs of asset and node.
pub(crate) fn request(entries: &[(&str, &str)]) -> Value {
    let media: Vec<Value> = entries
        .iter()
        .map(|(asset, node)| json!({"assetId": asset, "nodeId": node}))
        .collect();
    json!({"flowId": FLOW, "media": media, "encoding": "ulaw",
           "options": {"normalizeVolume": true, "enableOptimization": true, "stripMetadata": true, "maxChannels": 1}})
}

/// Asks for a compilation; gives its id.
pub(crate) async fn compile(rig: &Rig, token: &str, body: &Value) -> String {
    let answer = post(rig, token, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.body["status"], "QUEUED");
    let id = answer.body["id"].as_str().unwrap();
    assert_eq!(answer.body["selfUri"], format!("{COMPILE}/{id}"));
    id.to_owned()
}

/// The job when it is over.
pub(crate) async fn over(rig: &Rig, token: &str, id: &str) -> Value {
    let until_over = async {
        loop {
            let job = get(rig, token, &format!("{COMPILE}/{id}")).await;
            assert_eq!(job.status, 200, "{}", job.text);
            match job.body["status"].as_str().unwrap() {
                "COMPLETED" | "FAILED" => return job.body,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(PATIENCE, until_over).await.expect("the job does not end")
}

/// What serves the nodes of the flow.
pub(crate) async fn prompts(rig: &Rig, token: &str) -> Vec<Value> {
    let answer = get(rig, token, &format!("/api/v2/flows/{FLOW}/prompts")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["flowId"], FLOW);
    answer.body["prompts"].as_array().unwrap().clone()
}

/// The bytes behind a URI.
pub(crate) async fn download(rig: &Rig, uri: &Value) -> Vec<u8> {
    let uri = uri.as_str().unwrap();
    assert!(uri.starts_with(&rig.base), "{uri}");
    let answer = rig.http.get(uri).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap().to_vec()
}
