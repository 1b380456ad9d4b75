//! Compilation: `/api/v2/media/compile`, downloads, and the prompts of a flow.

use super::{
    ASSETS, COMPILE, FLOW, asset, compile, download, get, over, post, prompts, request, tone, upload,
    with_flow,
};
use crate::support::{Rig, send};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn what_is_compiled_is_g711_at_the_loudness_of_speech() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let (low, high) = (
        asset(&rig, &token, &tone(400.0, 16_000, 1500)).await,
        asset(&rig, &token, &tone(900.0, 8000, 800)).await,
    );
    let mut body = request(&[(&low, "welcome"), (&high, "goodbye")]);
    body["jobId"] = json!("build-7");
    body["media"][0]["format"] = json!("mp3");
    body["media"][0]["sampleRate"] = json!(8000);
    let id = compile(&rig, &token, &body).await;
    assert!(id.starts_with("comp_"));
    let job = over(&rig, &token, &id).await;
    assert_eq!(
        (&job["status"], &job["jobId"], &job["flowId"]),
        (&"COMPLETED".into(), &"build-7".into(), &FLOW.into())
    );
    let results = job["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, (asset, node, ms)) in results
        .iter()
        .zip([(&low, "welcome", 1500), (&high, "goodbye", 800)])
    {
        assert_eq!(
            (&result["assetId"], &result["nodeId"]),
            (&json!(asset), &json!(node))
        );
        assert_eq!(
            (&result["status"], &result["encoding"]),
            (&json!("READY"), &json!("ulaw"))
        );
        assert_eq!(result["durationMs"], ms);
        let loudness = result["loudnessLufs"].as_f64().unwrap();
        assert!((loudness + 19.0).abs() < 0.5, "{loudness}");
        let file = download(&rig, &result["downloadUri"]).await;
        let media = audio::probe(&file).unwrap();
        assert_eq!(
            (media.codec, media.rate, media.channels),
            (audio::Codec::MuLaw, 8000, 1)
        );
        assert_eq!(media.duration_ms, Some(ms));
        assert!(media.tags.is_empty());
    }
    let note = results[0]["message"].as_str().unwrap();
    assert!(note.contains("\"mp3\"") && note.contains("16000 Hz"), "{note}");

    let uri = results[0]["downloadUri"].as_str().unwrap();
    let head = rig.http.head(uri).send().await.unwrap();
    let header = |name: &str| head.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(head.status(), 200);
    assert_eq!(header("content-type"), "audio/wav");
    assert!(header("cache-control").contains("immutable"));
    assert_eq!(
        header("content-length"),
        download(&rig, &results[0]["downloadUri"]).await.len().to_string()
    );
    let known = rig.http.get(uri).header("if-none-match", header("etag"));
    assert_eq!(known.send().await.unwrap().status(), 304);
    for path in [
        "/media/compiled/x.wav",
        "/media/compiled/..%2Fassets%2Fx",
        &format!("/media/compiled/{}.wav", "0".repeat(64)),
    ] {
        send(rig.request(Method::GET, path))
            .await
            .refused(404, "not_found");
    }

    let serving = prompts(&rig, &token).await;
    let nodes: Vec<_> = serving
        .iter()
        .map(|prompt| prompt["nodeId"].as_str().unwrap())
        .collect();
    assert_eq!(nodes, ["goodbye", "welcome"]);
    assert_eq!(
        (&serving[1]["compileId"], &serving[1]["downloadUri"]),
        (&json!(id), &json!(uri))
    );
    // An asset that is deleted goes on serving what was compiled from it.
    send(
        rig.request(Method::DELETE, &format!("{ASSETS}/{low}"))
            .bearer_auth(&token),
    )
    .await;
    download(&rig, &json!(uri)).await;
    assert_eq!(prompts(&rig, &token).await.len(), 2);
    let listed = send(rig.admin(Method::GET, "/center/v1/prompts")).await;
    assert_eq!(
        listed.body["flows"],
        json!([{"flowId": FLOW, "nodes": ["goodbye", "welcome"]}])
    );
}

#[tokio::test]
async fn every_fault_of_a_request_is_told() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let known = asset(&rig, &token, &tone(400.0, 8000, 300)).await;
    let refused = post(
        &rig,
        &token,
        &json!({
            "flowId": "nobody's", "encoding": "opus", "webhookUrl": "http://10.0.0.7/hook",
            "media": [{"assetId": "a-1", "nodeId": "n"}, {"assetId": known, "nodeId": "n"}],
        }),
    )
    .await;
    refused.refused(400, "bad_request");
    let errors = refused.body["errors"].to_string();
    for part in [
        "nobody's",
        "a-1",
        "opus",
        "webhookUrl: 10.0.0.7 is an internal address",
        "both for the node",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    post(&rig, &token, &request(&[]))
        .await
        .refused(400, "bad_request")
        .mentions("media must have");
    let me = json!({"webhookUrl": "https://me:secret@x.example/"});
    let mut body = request(&[(&known, "n")]);
    body["webhookUrl"] = me["webhookUrl"].clone();
    post(&rig, &token, &body)
        .await
        .refused(400, "bad_request")
        .mentions("webhookUrl");
    get(&rig, &token, &format!("{COMPILE}/comp_0"))
        .await
        .refused(404, "not_found");
    get(&rig, &token, "/api/v2/flows/nobody/prompts")
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn the_higher_priority_wins_and_the_other_is_named() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let (one, two) = (
        asset(&rig, &token, &tone(400.0, 8000, 300)).await,
        asset(&rig, &token, &tone(500.0, 8000, 300)).await,
    );
    let mut body = request(&[(&one, "n"), (&two, "n")]);
    body["media"][1]["priority"] = json!("high");
    let job = over(&rig, &token, &compile(&rig, &token, &body).await).await;
    assert_eq!(job["results"].as_array().unwrap().len(), 1);
    assert_eq!(job["results"][0]["assetId"], json!(two));
    assert!(job["message"].as_str().unwrap().contains(&one), "{job}");
}

#[tokio::test]
async fn the_compilation_that_was_asked_for_later_serves_the_node() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let mut jobs = Vec::new();
    for at in 0..6_u32 {
        let asset = asset(&rig, &token, &tone(300.0 + 50.0 * at as f32, 8000, 200)).await;
        jobs.push(request(&[(&asset, "n")]));
    }
    let mut ids = Vec::new();
    for job in &jobs {
        ids.push(compile(&rig, &token, job).await);
    }
    for id in &ids {
        assert_eq!(over(&rig, &token, id).await["status"], "COMPLETED");
    }
    let serving = prompts(&rig, &token).await;
    assert_eq!(serving.len(), 1);
    assert_eq!(serving[0]["compileId"], json!(ids.last().unwrap()));
}

#[tokio::test]
async fn a_repeat_with_its_key_is_the_same_job_also_after_a_restart() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let known = asset(&rig, &token, &tone(400.0, 8000, 300)).await;
    let body = request(&[(&known, "n")]);
    let keyed = async |rig: &Rig, token: &str, body: &serde_json::Value| {
        let request = rig
            .request(Method::POST, COMPILE)
            .bearer_auth(token)
            .header("idempotency-key", "k-1");
        send(request.body(body.to_string())).await
    };
    let sent = (0..5).map(|_| keyed(&rig, &token, &body));
    let answers = futures_util::future::join_all(sent).await;
    let first = answers[0].body.clone();
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 202 && answer.body == first)
    );
    over(&rig, &token, first["id"].as_str().unwrap()).await;
    let rig = rig.restarted(with_flow).await;
    let token = rig.token().await;
    let again = keyed(&rig, &token, &body).await;
    assert_eq!((again.status, again.body), (202, first));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    keyed(&rig, &token, &request(&[(&known, "m")]))
        .await
        .refused(422, "unprocessable");
}

#[tokio::test]
async fn every_kind_of_file_is_compiled_or_refused_for_all_that_telephony_has_against_it() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../audio/tests/files");
    let (mut taken, mut formats) = (Vec::new(), std::collections::BTreeSet::new());
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let objections: Vec<String> = match audio::probe(&bytes) {
            Ok(media) => audio::telephony::objections(&media, bytes.len() as u64)
                .iter()
                .map(ToString::to_string)
                .collect(),
            Err(error) => vec![error.to_string()],
        };
        // The ending says something else.
        let answer = upload(&rig, &token, "prompt.txt", &bytes).await;
        if objections.is_empty() {
            assert_eq!(answer.status, 201, "{}: {}", path.display(), answer.text);
            formats.insert(answer.body["format"].as_str().unwrap().to_owned());
            taken.push((answer.body["id"].as_str().unwrap().to_owned(), path));
        } else {
            answer.refused(400, "bad_request");
            assert_eq!(answer.body["errors"], json!(objections), "{}", path.display());
        }
    }
    assert!(formats.contains("wav") && formats.len() > 1, "{formats:?}");
    let nodes: Vec<String> = (0..taken.len()).map(|at| format!("node {at}")).collect();
    let entries: Vec<(&str, &str)> = taken
        .iter()
        .zip(&nodes)
        .map(|((id, _), node)| (&**id, &**node))
        .collect();
    let mut body = request(&entries);
    body["encoding"] = json!("pcma");
    let job = over(&rig, &token, &compile(&rig, &token, &body).await).await;
    for (result, (_, path)) in job["results"].as_array().unwrap().iter().zip(&taken) {
        assert_eq!(result["status"], "READY", "{}: {result}", path.display());
        let file = download(&rig, &result["downloadUri"]).await;
        let media = audio::probe(&file).unwrap();
        assert_eq!(
            (media.codec, media.rate, media.channels),
            (audio::Codec::ALaw, 8000, 1)
        );
    }
}

#[tokio::test]
async fn a_file_that_breaks_off_is_compiled_as_far_as_it_goes_and_the_result_says_so() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let whole = tone(440.0, 8000, 1000);
    let cut = asset(&rig, &token, &whole[..whole.len() / 2]).await;
    let job = over(
        &rig,
        &token,
        &compile(&rig, &token, &request(&[(&cut, "n")])).await,
    )
    .await;
    let result = &job["results"][0];
    assert_eq!(result["status"], "READY");
    assert!(result["durationMs"].as_u64().unwrap() < 510, "{result}");
    assert!(
        result["message"].as_str().unwrap().contains("breaks off"),
        "{result}"
    );
}
