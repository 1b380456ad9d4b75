//! The agent's desktop (`/agent/{id}`): what it shows, what is done on it, and what it learns.

use crate::{
    desktop::{Event, Stream, new_task},
    support::{Answer, PATIENCE, Rig, send, tenant_with},
};
use futures_util::future::join_all;
use rand::Rng;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use store::{Location, Store};
use tokio::time::timeout;

#[tokio::test]
async fn a_desk_has_its_tasks_by_due_date_then_priority() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let day = |day: u32| format!("2030-01-{day:02}T09:00:00.000Z");
    for (due, priority) in [(3, "Critical"), (2, "Low"), (2, "High"), (1, "Normal")] {
        let more = json!({"dueDate": day(due), "priority": priority});
        rig.create(&token, &new_task("agent-1", more)).await;
    }
    rig.create(&token, &new_task("agent-2", json!({}))).await;
    let desk = rig.desk("agent-1").await;
    let order: Vec<&str> = desk["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["priority"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["Normal", "High", "Low", "Critical"]);
    assert_eq!((&desk["name"], &desk["cursor"]), (&json!("Ada"), &json!(4)));
    assert_eq!(rig.desk("agent-9").await["tasks"], json!([]));
    let nobody = send(rig.request(Method::GET, "/agent/agent-7/desk")).await;
    nobody.refused(404, "not_found").mentions("agent-7");
}

#[tokio::test]
async fn an_offer_goes_round_and_is_everybodys_when_nobody_accepts() {
    let tenant = tenant_with("[tasks]\nacceptWithinS = 1\n");
    let rig = Rig::start_with(|options| options.tenant = tenant).await;
    let token = rig.token().await;
    let mut one = rig.follow("agent-1", 0).await;
    let mut two = rig.follow("agent-2", 0).await;
    let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
    assert_eq!(one.until("queued").await, ["offered", "offer_expired", "queued"]);
    assert_eq!(two.until("queued").await, ["offered", "queued"]);
    assert_eq!(
        (rig.on_desk("agent-1").await, rig.on_desk("agent-2").await),
        (vec![id.clone()], vec![id.clone()])
    );

    let both =
        join_all(["agent-1", "agent-2"].map(|agent| rig.deed(agent, &id, "accept", Value::Null))).await;
    let (winner, loser) = if both[0].status == 200 { (0, 1) } else { (1, 0) };
    assert_eq!((both[winner].status, both[loser].status), (200, 409));
    let has = both[winner].body["assigneeId"].as_str().unwrap();
    both[loser]
        .refused(409, "conflict")
        .mentions(&format!("{has} accepted it already"));
    let told = [one.next().await.unwrap(), two.next().await.unwrap()];
    assert_eq!(told[winner].kind, "task");
    assert_eq!(
        (&told[loser].kind, &told[loser].data["what"]),
        (&"gone".to_owned(), &json!("accepted"))
    );
}

#[tokio::test]
async fn of_two_windows_of_one_agent_one_wins() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    for _ in 0..10 {
        let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
        let both = join_all([(); 2].map(|()| rig.deed("agent-1", &id, "accept", Value::Null))).await;
        let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status).collect();
        statuses.sort();
        assert_eq!(statuses, [200, 409]);
        let refused = both.iter().find(|answer| answer.status == 409).unwrap();
        refused
            .refused(409, "conflict")
            .mentions("agent-1 accepted it already");
    }
}

#[tokio::test]
async fn a_snoozed_task_wakes_and_is_completed_with_a_note() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut stream = rig.follow("agent-1", 0).await;
    let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
    rig.deed("agent-1", &id, "accept", Value::Null).await;
    let now: jiff::Timestamp = rig.desk("agent-1").await["now"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let until = now.checked_add(Duration::from_secs(1)).unwrap();
    let snoozed = rig.deed("agent-1", &id, "snooze", json!({"until": until})).await;
    assert_eq!(snoozed.body["state"], "snoozed", "{}", snoozed.text);
    assert_eq!(
        stream.until("woke").await,
        ["offered", "accepted", "snoozed", "woke"]
    );
    let done = rig
        .deed("agent-1", &id, "complete", json!({"note": " called back "}))
        .await;
    assert_eq!(
        done.body["history"].as_array().unwrap().last().unwrap()["note"],
        "called back"
    );
    let gone = stream.next().await.unwrap();
    assert_eq!(
        (gone.kind.as_str(), &gone.data["what"]),
        ("gone", &json!("completed"))
    );
    assert!(rig.on_desk("agent-1").await.is_empty());
}

#[tokio::test]
async fn deeds_that_are_none_are_refused() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
    rig.deed("agent-1", &id, "burn", Value::Null)
        .await
        .refused(404, "not_found")
        .mentions("burn");
    rig.deed("agent-1", "task-0", "accept", Value::Null)
        .await
        .refused(404, "not_found");
    rig.deed("agent-1", &id, "snooze", json!({}))
        .await
        .refused(400, "bad_request");
    let past = json!({"until": "2020-01-01T00:00:00Z"});
    rig.deed("agent-1", &id, "snooze", past)
        .await
        .refused(400, "bad_request");
    rig.deed("agent-1", &id, "complete", json!({"note": "x"}))
        .await
        .refused(409, "conflict");
    rig.deed("agent-2", &id, "accept", Value::Null)
        .await
        .refused(409, "conflict")
        .mentions("agent-1's");
    let long = json!({"note": "x".repeat(100_000)});
    assert_eq!(rig.deed("agent-1", &id, "complete", long).await.status, 413);
    let form = rig
        .request(Method::POST, &format!("/agent/agent-1/tasks/{id}/complete"))
        .body("note=x");
    send(form).await.refused(415, "unsupported_media_type");
    assert_eq!(rig.on_desk("agent-1").await, [id]);
}

#[tokio::test]
async fn whatever_breaks_a_stream_each_event_comes_once_and_in_order() {
    const EVENTS: i64 = 60;
    let rig = Rig::start_with(|options| options.limits = "off".parse().unwrap()).await;
    let token = rig.token().await;
    let task = new_task("agent-1", json!({}));
    let create = async {
        for _ in 0..EVENTS / 4 {
            join_all((0..4).map(|_| rig.create(&token, &task))).await;
        }
    };
    let follow = async {
        let mut seen: Vec<Event> = Vec::new();
        let mut streams = 0;
        while (seen.len() as i64) < EVENTS {
            let mut stream = rig
                .follow("agent-1", seen.last().map_or(0, |event| event.id))
                .await;
            streams += 1;
            for _ in 0..rand::rng().random_range(1..8) {
                if (seen.len() as i64) < EVENTS {
                    seen.push(stream.next().await.unwrap());
                }
            }
        }
        (seen, streams)
    };
    let ((), (seen, streams)) = tokio::join!(create, follow);
    assert!(streams > 1);
    assert!(seen.iter().map(|event| event.id).eq(1..=EVENTS), "{seen:?}");
    let mut told: Vec<&str> = seen
        .iter()
        .map(|event| event.data["task"]["id"].as_str().unwrap())
        .collect();
    let mut there = rig.on_desk("agent-1").await;
    told.sort();
    there.sort();
    assert_eq!(told, there);

    // The header wins over the query; without either the stream begins now.
    let request = rig.http.get(rig.url("/agent/agent-1/events?after=3"));
    let mut stream = Stream::new(request.try_clone().unwrap().send().await.unwrap());
    assert_eq!(stream.next().await.unwrap().id, 4);
    let mut stream = Stream::new(request.header("last-event-id", "57").send().await.unwrap());
    assert_eq!(stream.next().await.unwrap().id, 58);
    let mut stream = Stream::new(
        rig.http
            .get(rig.url("/agent/agent-1/events"))
            .send()
            .await
            .unwrap(),
    );
    rig.create(&token, &new_task("agent-1", json!({}))).await;
    assert_eq!(stream.next().await.unwrap().id, EVENTS + 1);
    let bad = send(rig.request(Method::GET, "/agent/agent-1/events?after=x")).await;
    bad.refused(400, "bad_request");
}

#[tokio::test]
async fn a_desktop_that_asks_for_what_is_not_kept_loads_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Sqlite(folder.path().join("shared.db")))
        .await
        .unwrap();
    let given = store.clone();
    let rig = Rig::start_with(move |options| options.store = Some(given)).await;
    let token = rig.token().await;
    for _ in 0..3 {
        rig.create(&token, &new_task("agent-1", json!({}))).await;
    }
    // Of a database that was there before this one.
    let reset = rig.follow("agent-1", 99).await.next().await.unwrap();
    assert_eq!(
        (reset.kind.as_str(), reset.id, &reset.data["cursor"]),
        ("reset", 3, &json!(3))
    );
    store.purge_records("desk-event", Duration::ZERO).await.unwrap();
    let mut nothing_left = rig.follow("agent-1", 1).await;
    assert_eq!(nothing_left.next().await.unwrap().kind, "reset");
    rig.create(&token, &new_task("agent-1", json!({}))).await;
    let mut gap = rig.follow("agent-1", 1).await;
    for stream in [&mut nothing_left, &mut gap] {
        assert_eq!(stream.next().await.unwrap().id, 4);
    }
    rig.center.close().await;
    store.close().await;
}

#[tokio::test]
async fn only_so_many_streams_are_open() {
    let rig = Rig::start().await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(rig.follow("agent-1", 0).await);
    }
    let ask = || send(rig.request(Method::GET, "/agent/agent-1/events"));
    let full = ask().await;
    full.refused(503, "unavailable");
    assert!(!full.header("retry-after").is_empty());
    // Another agent's are counted apart.
    rig.follow("agent-2", 0).await;
    drop(streams.pop());
    let again = async {
        loop {
            let request = rig.http.get(rig.url("/agent/agent-1/events"));
            if request.send().await.unwrap().status() == 200 {
                return;
            }
        }
    };
    timeout(PATIENCE, again)
        .await
        .expect("the place of a closed stream is not free");
}

#[tokio::test]
async fn streams_end_when_the_center_closes() {
    let rig = Rig::start().await;
    let mut stream = rig.follow("agent-1", 0).await;
    let begun = std::time::Instant::now();
    rig.center.close().await;
    assert_eq!(stream.next().await, None);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn pages_of_other_sites_get_nothing() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let id = rig.create(&token, &new_task("agent-1", json!({}))).await;
    let ask = async |method: &Method, path: &str, name: &'static str, value: &'static str| -> Answer {
        send(rig.request(method.clone(), path).header(name, value)).await
    };
    let accept = format!("/agent/agent-1/tasks/{id}/accept");
    for (method, path) in [
        (Method::GET, "/agent/agent-1/desk"),
        (Method::POST, accept.as_str()),
    ] {
        ask(&method, path, "host", "evil.com")
            .await
            .refused(403, "forbidden")
            .mentions("localhost");
        ask(&method, path, "sec-fetch-site", "cross-site")
            .await
            .refused(403, "forbidden");
        ask(&method, path, "origin", "http://evil.com")
            .await
            .refused(403, "forbidden");
    }
    let desk = ask(&Method::GET, "/agent/agent-1/desk", "host", "localhost:8642").await;
    assert_eq!((desk.status, desk.header("cache-control")), (200, "no-store"));
    assert_eq!(
        (
            desk.header("x-content-type-options"),
            desk.header("x-frame-options")
        ),
        ("nosniff", "DENY")
    );
    assert_eq!(
        ask(&Method::POST, &accept, "sec-fetch-site", "same-origin")
            .await
            .status,
        200
    );
    // A link may lead to the page from anywhere; the page itself is under a name of the machine.
    let page = ask(&Method::GET, "/agent/agent-1", "sec-fetch-site", "cross-site").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    let page = ask(&Method::GET, "/agent/agent-1", "host", "evil.com").await;
    assert_eq!(page.status, 403);
}

#[tokio::test]
async fn a_center_that_others_reach_asks_for_the_agents_key() {
    let rig = Rig::start_with(|options| options.listen = "0.0.0.0:0".parse().unwrap()).await;
    let links = send(rig.admin(Method::GET, "/center/v1/agents")).await;
    let agents = links.body["agents"].as_array().unwrap();
    assert_eq!(agents.len(), 3, "{}", links.text);
    let link = |at: usize| agents[at]["desktop"].as_str().unwrap();
    let (path, key) = link(0).strip_prefix(&rig.base).unwrap().split_once('?').unwrap();
    assert_eq!((path, key.len()), ("/agent/agent-1", "key=".len() + 64));
    let desk = format!("{path}/desk");
    let ask = async |query: &str, cookie: &str| {
        let request = rig.request(Method::GET, &format!("{desk}{query}"));
        send(if cookie.is_empty() {
            request
        } else {
            request.header("cookie", cookie)
        })
        .await
    };
    ask("", "").await.refused(403, "forbidden").mentions("key");
    let other = link(1).split_once('?').unwrap().1;
    ask(&format!("?{other}"), "").await.refused(403, "forbidden");
    ask(
        "",
        &format!("trunkline-agent={}", other.trim_start_matches("key=")),
    )
    .await
    .refused(403, "forbidden");
    let opened = ask(&format!("?{key}"), "").await;
    assert_eq!(opened.status, 200);
    let cookie = opened.header("set-cookie");
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/agent/agent-1"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(ask("", &format!("other=1; {pair}")).await.status, 200);

    // On loopback nobody needs one.
    let local = Rig::start().await;
    let links = send(local.admin(Method::GET, "/center/v1/agents")).await;
    assert_eq!(links.body["agents"][0]["desktop"], local.url("/agent/agent-1"));
    send(local.request(Method::GET, "/center/v1/agents"))
        .await
        .refused(401, "unauthorized");
}
