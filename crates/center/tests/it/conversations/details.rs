//! Analytics.

use super::{PATH, Talker, new_conversation};
use crate::support::Rig;
use center::Limits;
use reqwest::Method;
use serde_json::{Value, json};

const QUERY: &str = "/api/v2/analytics/conversations/details/query";

fn query(more: Value) -> Value {
    let mut query = json!({"dimension": "conversation", "metric": "resolution", "timeGrouping": "none",
        "dateFrom": "2020-01-01T00:00:00.000Z", "dateTo": "2999-01-01T00:00:00.000Z", "filters": []});
    query
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    query
}

fn filter(attribute: &str, operator: &str, value: &str) -> Value {
    json!({"type": "attribute", "operator": operator, "attribute": attribute, "value": value})
}

#[tokio::test]
async fn conversations_are_counted_filtered_and_grouped() {
    let rig = Rig::start_with(|options| options.limits = Limits::OFF).await;
    let talker = Talker::new(&rig).await;
    let ask = async |more: Value| {
        let answer = talker.ask(Method::POST, QUERY, &query(more)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    };
    let empty = ask(json!({})).await;
    assert_eq!(empty["totalHits"], 0);
    assert_eq!(
        empty["groups"],
        json!([{"from": "2020-01-01T00:00:00.000Z", "to": "2999-01-01T00:00:00.000Z", "conversations": 0, "resolved": 0,
            "resolutionRate": 0.0, "contained": 0, "escalated": 0, "turns": 0, "medianResponseMs": null, "p95ResponseMs": null}])
    );
    for number in 0..5 {
        let id = format!("c-{number}");
        talker.created(new_conversation(&id)).await;
        for _ in 0..number {
            talker.said(&id, "hi").await;
        }
    }
    talker.put("c-0", json!({"state": "closed"})).await;
    talker.put("c-1", json!({"state": "ended"})).await;
    let all = ask(json!({})).await;
    let group = &all["groups"][0];
    assert_eq!(
        (
            &all["totalHits"],
            &group["conversations"],
            &group["turns"],
            &group["contained"],
            &group["resolved"]
        ),
        (&json!(5), &json!(5), &json!(10), &json!(2), &json!(0))
    );
    for (filters, hits) in [
        (json!([filter("botId", "eq", "nobody")]), 5),
        (json!([filter("botId", "ne", "nobody")]), 0),
        (json!([filter("botId", "matches", "true")]), 5),
        (json!([filter("botId", "equals", "somebody")]), 0),
        (json!([filter("state", "eq", "closed")]), 1),
        (
            json!([filter("state", "ne", "closed"), filter("state", "ne", "ended")]),
            3,
        ),
        (
            json!([
                filter("resolved", "eq", "false"),
                filter("escalated", "eq", "false")
            ]),
            5,
        ),
        (json!([filter("channel", "eq", "webchat")]), 5),
        (json!([filter("channel", "eq", "sms")]), 0),
    ] {
        assert_eq!(
            ask(json!({"filters": filters})).await["totalHits"],
            hits,
            "{filters}"
        );
    }
    let created = talker.get(&format!("{PATH}/c-0")).await.body["createdDate"]
        .as_str()
        .unwrap()
        .to_owned();
    let (from, to) = (
        format!("{}T00:00:00.000Z", &created[..10]),
        "2026-01-01T00:00:00.000Z",
    );
    let later: jiff::Timestamp = from.parse().unwrap();
    let later = format!("{:.3}", later + jiff::SignedDuration::from_hours(48));
    for grouping in ["hour", "day"] {
        let grouped = ask(json!({"timeGrouping": grouping, "dateFrom": from, "dateTo": later})).await;
        let groups = grouped["groups"].as_array().unwrap();
        let counted: u64 = groups
            .iter()
            .map(|group| group["conversations"].as_u64().unwrap())
            .sum();
        assert_eq!(
            (grouped["totalHits"].as_u64(), counted),
            (Some(5), 5),
            "{grouped}"
        );
        assert!(groups.len() <= 2 && groups[0]["from"].as_str().unwrap() <= created.as_str());
    }
    let before = ask(json!({"dateFrom": "2025-01-01T00:00:00.000Z", "dateTo": to})).await;
    assert_eq!(before["totalHits"], 0);
    let none = ask(json!({"dateFrom": created, "dateTo": created, "timeGrouping": "day"})).await;
    assert_eq!(
        (&none["totalHits"], &none["groups"]),
        (&json!(0), &json!([])),
        "the end does not belong to it"
    );

    let wrong =
        query(json!({"timeGrouping": "week", "dateFrom": "x", "filters": [filter("name", "like", "x")]}));
    let refused = talker.ask(Method::POST, QUERY, &wrong).await;
    assert_eq!(
        refused.refused(400, "bad_request").body["errors"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}
