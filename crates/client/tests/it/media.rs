//! Prompt assets, compilations, and downloads.

use crate::support::{Watch, rig, seconds};
use bytes::Bytes;
use client::{Error, FailureKind, Media, testing::Reply};
use http::Method;
use serde_json::{Value, json};
use wire::media::{CompileOptions, Encoding, JobStatus, MediaEntry, NewCompile, Rank, sha256_hex};

const WAV: &[u8] = b"RIFF----WAVE\r\n--trunkline\r\n\0\xff";

fn asset(bytes: &[u8]) -> Value {
    json!({"id": format!("a-{}", bytes.len()), "name": "x.wav", "format": "wav", "size": bytes.len(),
        "sampleRate": 8000, "channels": 1, "durationMs": 5, "sha256": sha256_hex(bytes),
        "selfUri": "/api/v2/media/assets/a"})
}

fn page(number: usize, of: usize, assets: &[Value]) -> Reply {
    let next = (number < of).then(|| format!("/api/v2/media/assets?pageNumber={}", number + 1));
    let body = json!({"entities": assets, "totalCount": of * 100, "pageSize": 100, "pageNumber": number,
        "nextUri": next});
    Reply::answer(200, body.to_string())
}

fn order() -> NewCompile {
    NewCompile {
        flow_id: "your-flow-id".parse().unwrap(),
        job_id: Some("job-1".parse().unwrap()),
        media: vec![MediaEntry {
            asset_id: "a-1".parse().unwrap(),
            node_id: "welcome".parse().unwrap(),
            format: None,
            sample_rate: None,
            priority: Rank(0),
            fallback_encoding: None,
        }],
        encoding: Encoding::Ulaw,
        webhook_url: None,
        options: CompileOptions::ALL,
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_uploaded_as_one_part_and_repeated_byte_by_byte() {
    let (http, transport) = rig(|number, _| match number {
        1 => Reply::fail(FailureKind::Broken),
        2 => Reply::answer(503, ""),
        3 => Reply::answer(201, asset(WAV).to_string()),
        _ => Reply::answer(200, asset(WAV).to_string()),
    });
    let media = Media::new(&transport);
    let first = media
        .upload("a \"b\".wav", Bytes::from_static(WAV))
        .await
        .unwrap();
    let again = media.upload("c.wav", Bytes::from_static(WAV)).await.unwrap();
    assert!(first.is_new && !again.is_new);
    assert_eq!(first.asset, again.asset);

    let seen = http.seen_at("/api/v2/media/assets");
    let content_type = seen[0].header("content-type").to_owned();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let mut wanted = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22b%22.wav\"\r\n\
         Content-Type: audio/wav\r\n\r\n"
    )
    .into_bytes();
    wanted.extend(WAV);
    wanted.extend(format!("\r\n--{boundary}--\r\n").bytes());
    assert_eq!(seen[0].request.body(), &wanted);
    assert_eq!(seen[0].request.body(), seen[2].request.body());
    let keys: Vec<_> = seen.iter().map(|seen| seen.header("idempotency-key")).collect();
    assert!(
        keys[0] == keys[1] && keys[1] == keys[2] && !keys[0].is_empty(),
        "{keys:?}"
    );
    assert_ne!(keys[0], keys[3], "an asset may have been deleted meanwhile");
}

#[tokio::test(start_paused = true)]
async fn an_upload_may_take_as_long_as_2_mib_take() {
    let (_, transport) = rig(|_, _| Reply::answer(201, asset(WAV).to_string()).after(seconds(50)));
    let uploaded = Media::new(&transport)
        .upload("a.wav", Bytes::from_static(WAV))
        .await;
    assert!(uploaded.unwrap().is_new);
    let (http, transport) = rig(|_, _| Reply::nothing());
    let watch = Watch::start();
    let error = Media::new(&transport)
        .upload("a.wav", Bytes::from_static(WAV))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(
        watch.ms() <= 180_010 && http.seen_at("assets").len() >= 2,
        "{}",
        watch.ms()
    );
}

#[tokio::test(start_paused = true)]
async fn all_faults_of_a_refused_file_are_told() {
    let body = r#"{"status":400,"code":"bad_request","message":"2 faults","errors":["44100 Hz","stereo"],"correlationId":"c"}"#;
    let (http, transport) = rig(move |_, _| Reply::answer(400, body));
    let error = Media::new(&transport)
        .upload("a.wav", Bytes::from_static(WAV))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("2 faults; 44100 Hz; stereo"),
        "{error}"
    );
    assert_eq!(http.seen_at("assets").len(), 1, "it is not tried again");
}

#[tokio::test(start_paused = true)]
async fn an_asset_is_found_by_its_hash_if_the_platform_filters_and_if_it_does_not() {
    let wanted = sha256_hex(WAV);
    let (http, transport) = rig(|_, _| page(1, 1, &[asset(WAV)]));
    let found = Media::new(&transport).find_by_sha256(&wanted).await.unwrap();
    assert_eq!(found.unwrap().sha256, wanted);
    assert_eq!(
        http.seen_at("assets")[0].request.uri().query().unwrap(),
        format!("sha256={wanted}&pageSize=100&pageNumber=1")
    );

    let (http, transport) = rig(|number, _| match number {
        3 => page(3, 4, &[asset(b"other"), asset(WAV)]),
        _ => page(number, 4, &[asset(b"other")]),
    });
    let found = Media::new(&transport)
        .find_by_sha256(&wanted.to_uppercase())
        .await;
    assert_eq!(found.unwrap().unwrap().id.as_str(), format!("a-{}", WAV.len()));
    assert_eq!(http.seen_at("assets").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_search_ends_at_the_last_page_and_at_its_bound() {
    for (pages, asked) in [(1, 1), (3, 3), (usize::MAX / 200, 100)] {
        let (http, transport) = rig(move |number, _| page(number, pages, &[asset(b"other")]));
        let found = Media::new(&transport).find_by_sha256("00").await.unwrap();
        assert_eq!((found, http.seen_at("assets").len()), (None, asked));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_no_error() {
    let (http, transport) = rig(|_, _| Reply::answer(404, ""));
    let media = Media::new(&transport);
    assert_eq!(media.asset(&"a".parse().unwrap()).await.unwrap(), None);
    assert_eq!(media.job(&"comp_1".parse().unwrap()).await.unwrap(), None);
    assert_eq!(media.flow_prompts(&"f".parse().unwrap()).await.unwrap(), None);
    media.delete(&"a".parse().unwrap()).await.unwrap();
    let last = http.seen().pop().unwrap().request;
    assert_eq!(
        (last.method(), last.uri().path()),
        (&Method::DELETE, "/api/v2/media/assets/a")
    );
}

#[tokio::test(start_paused = true)]
async fn a_compilation_is_ordered_once_and_followed() {
    let (http, transport) = rig(|number, request| match number {
        1 => Reply::fail(FailureKind::Broken),
        _ if request.method() == Method::POST => Reply::answer(202, r#"{"id":"comp_1","status":"QUEUED"}"#),
        _ => Reply::answer(
            200,
            r#"{"id":"comp_1","jobId":"job-1","status":"COMPLETED","results":[{"assetId":"a-1",
                "nodeId":"welcome","status":"READY","downloadUri":"/d/1"}]}"#,
        ),
    });
    let media = Media::new(&transport).with_correlation("corr-1".parse().unwrap());
    let job = media.compile(&order(), "key-1".parse().unwrap()).await.unwrap();
    assert_eq!(job.status, JobStatus::Queued);
    let job = media.job(&job.id).await.unwrap().unwrap();
    assert!(job.status.is_over() && job.results.len() == 1);
    let posts = http.seen_at("/api/v2/media/compile");
    assert_eq!(posts.len(), 2);
    for post in posts {
        assert_eq!(post.header("idempotency-key"), "key-1");
        assert_eq!(post.header("x-correlation-id"), "corr-1");
        let body = std::str::from_utf8(post.request.body()).unwrap();
        assert_eq!(NewCompile::parse_for(body, |_| true, |_| true).unwrap(), order());
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_goes_to_the_platforms_own_origin_only() {
    let (http, transport) = rig(|_, _| Reply::answer(200, "RIFF"));
    let media = Media::new(&transport);
    for (uri, address, token) in [
        (
            "/d/1?x=%2F",
            "https://platform.example/d/1?x=%2F",
            "Bearer token-1",
        ),
        (
            "https://platform.example/d/2",
            "https://platform.example/d/2",
            "Bearer token-1",
        ),
        (
            "https://platform.example:8443/d",
            "https://platform.example:8443/d",
            "",
        ),
        ("http://platform.example/d", "http://platform.example/d", ""),
        (
            "https://storage.example/d?sig=1",
            "https://storage.example/d?sig=1",
            "",
        ),
        ("//storage.example/d", "https://storage.example/d", ""),
        ("/\\storage.example/d", "https://storage.example/d", ""),
    ] {
        assert_eq!(media.download(uri).await.unwrap(), "RIFF");
        let seen = http.seen().pop().unwrap();
        assert_eq!(
            (
                seen.request.uri().to_string().as_str(),
                seen.header("authorization")
            ),
            (address, token),
            "{uri}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn files_elsewhere_are_fetched_by_https_from_outside_only() {
    let (http, transport) = rig(|_, _| Reply::answer(200, "RIFF"));
    let media = Media::new(&transport);
    for uri in [
        "http://storage.example/d",
        "https://10.0.0.7/d",
        "https://[::1]/d",
        "https://me:hunter2@storage.example/d",
        "https://platform.example@storage.example/d",
        "file:///etc/passwd",
        "data:,x",
        "https://",
    ] {
        let error = media.download(uri).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{uri}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert_eq!(http.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_refuses_is_named_and_costs_no_token() {
    let (http, transport) = rig(|_, _| Reply::answer(401, "expired"));
    let error = Media::new(&transport)
        .download("https://storage.example/d")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("storage.example answers 401: expired"),
        "{error}"
    );
    assert_eq!((http.seen().len(), http.seen_at("/oauth/token").len()), (1, 0));
}
