//! Conversations as tickets, by the templates that come with Trunkline.

use super::{
    Rig,
    desk::{Desk, Shared, Ticket, jira, zendesk},
};
use client::testing::ScriptedHttp;
use flow::tickets::{Template, parse};
use std::sync::{Arc, Mutex};

const ZENDESK: &str = include_str!("../../../../../demo/sync/zendesk.toml");
const JIRA: &str = include_str!("../../../../../demo/sync/jira.toml");

fn template(source: &str) -> Arc<Template> {
    Arc::new(parse(source).unwrap_or_else(|faults| panic!("{faults:?}")))
}

fn texts(ticket: &Ticket) -> Vec<&str> {
    ticket.comments.iter().map(String::as_str).collect()
}

/// The ticket of the conversation c1: two are made at the same time.
fn of_first(desk: &Desk) -> &Ticket {
    let of_first = |ticket: &&Ticket| ticket.comments.iter().any(|text| text.contains("[c1-1]"));
    desk.tickets.values().find(of_first).unwrap()
}

/// One conversation, from its beginning to its end.
async fn whole_life(source: &str, system: impl Fn(&Shared) -> Arc<ScriptedHttp>) -> Ticket {
    let rig = Rig::new().await;
    let desk: Shared = Arc::new(Mutex::new(Desk::default()));
    let (http, template) = (system(&desk), template(source));
    rig.platform.say("c1", &["where is my order?", "which one?"]);
    rig.platform.say("c2", &["hi"]);
    rig.tickets(&http, &template).await.unwrap();
    {
        let desk = desk.lock().unwrap();
        assert_eq!(desk.tickets.len(), 2, "{:?} {:?}", desk.odd, desk.tickets);
        assert_eq!(texts(of_first(&desk)).len(), 2, "{:?}", desk.odd);
    }
    rig.platform.say("c1", &["4711"]);
    rig.tickets(&http, &template).await.unwrap();
    rig.platform.to_state("c1", "closed");
    rig.tickets(&http, &template).await.unwrap();
    let requests = desk.lock().unwrap().requests;
    rig.tickets(&http, &template).await.unwrap();
    let desk = desk.lock().unwrap();
    assert_eq!(desk.requests, requests, "nothing changed, nothing is asked");
    assert_eq!((desk.tickets.len(), desk.odd.len()), (2, 0), "{:?}", desk.odd);
    of_first(&desk).clone()
}

#[tokio::test]
async fn an_api_like_zendesks_gets_a_ticket_its_comments_and_its_status() {
    let ticket = whole_life(ZENDESK, zendesk).await;
    assert_eq!(
        (ticket.external.as_str(), ticket.status.as_str()),
        ("c1", "solved")
    );
    assert_eq!(
        texts(&ticket),
        [
            "Customer: where is my order?\n\n[c1-1]",
            "Bot: which one?\n\n[c1-2]",
            "Customer: 4711\n\n[c1-3]"
        ]
    );
}

#[tokio::test]
async fn an_api_like_jiras_gets_an_issue_its_comments_and_its_transition() {
    let ticket = whole_life(JIRA, jira).await;
    assert_eq!(ticket.status, "31");
    assert_eq!(texts(&ticket).len(), 3);
    assert_eq!(texts(&ticket)[2], "Customer: 4711\n\n[c1-3]");
}

/// The process ends after each request in turn, as if it were killed: the answer never comes, though the request was carried out.
async fn killed_everywhere(source: &str, system: impl Fn(&Shared) -> Arc<ScriptedHttp>) {
    let mut is_whole = false;
    for after in 0..40 {
        let rig = Rig::new().await;
        let desk: Shared = Arc::new(Mutex::new(Desk {
            lost_after: Some(after),
            ..Desk::default()
        }));
        let (http, template) = (system(&desk), template(source));
        rig.platform.say("c1", &["one", "two", "three"]);
        rig.platform.to_state("c1", "closed");
        is_whole = rig.tickets(&http, &template).await.is_ok();
        desk.lock().unwrap().lost_after = None;
        rig.tickets(&http, &template).await.unwrap();
        let desk = desk.lock().unwrap();
        assert_eq!(
            desk.tickets.len(),
            1,
            "killed after {after} requests: {:?}",
            desk.tickets
        );
        let comments = texts(&desk.tickets[&1]);
        assert_eq!(comments.len(), 3, "killed after {after} requests: {comments:?}");
        if is_whole {
            break;
        }
    }
    assert!(is_whole, "there were more requests than kills");
}

#[tokio::test]
async fn a_kill_anywhere_doubles_neither_tickets_nor_comments() {
    killed_everywhere(ZENDESK, zendesk).await;
    killed_everywhere(JIRA, jira).await;
}

#[tokio::test]
async fn a_ticket_that_somebody_made_before_is_found() {
    let rig = Rig::new().await;
    let desk: Shared = Arc::new(Mutex::new(Desk::default()));
    let made = Ticket {
        external: "c1".into(),
        comments: vec!["Customer: one\n\n[c1-1]".into()],
        ..Ticket::default()
    };
    desk.lock().unwrap().tickets.insert(7, made);
    rig.platform.say("c1", &["one", "two"]);
    rig.tickets(&zendesk(&desk), &template(ZENDESK)).await.unwrap();
    let desk = desk.lock().unwrap();
    assert_eq!(desk.tickets.len(), 1);
    assert_eq!(
        texts(&desk.tickets[&7]),
        ["Customer: one\n\n[c1-1]", "Bot: two\n\n[c1-2]"]
    );
}

#[tokio::test]
async fn what_was_carried_out_though_it_was_answered_with_500_is_not_done_twice() {
    for every in 2..6 {
        for (source, system) in [
            (ZENDESK, zendesk as fn(&Shared) -> Arc<ScriptedHttp>),
            (JIRA, jira),
        ] {
            let rig = Rig::new().await;
            let desk: Shared = Arc::new(Mutex::new(Desk {
                fails_after: Some(every),
                ..Desk::default()
            }));
            rig.platform.say("c1", &["one", "two", "three"]);
            rig.tickets(&system(&desk), &template(source)).await.unwrap();
            let desk = desk.lock().unwrap();
            assert_eq!(desk.tickets.len(), 1, "every {every}: {:?}", desk.tickets);
            assert_eq!(
                texts(&desk.tickets[&1]).len(),
                3,
                "every {every}: {:?}",
                desk.tickets
            );
        }
    }
}
