use super::*;
use serde_json::json;

const WHOLE: &str = r#"
[auth]
user = "DESK_USER"
password = "DESK_TOKEN"

[find]
path = "/api/v2/tickets.json?external_id={conversation.id}"
id = "/tickets/0/id"

[create]
path = "/api/v2/tickets.json"
id = "/ticket/id"
[create.body.ticket]
external_id = "{conversation.id}"
subject = "Chat {{{key}}} of {customer.profile.name}"
tags = ["trunkline", "{conversation.state}"]
priority = 3
resolved = "{conversation.resolved}"
status = "{status}"

[comments]
path = "/api/v2/tickets/{ticket}/comments.json"
list = "/comments"
text = "/body"
next = "/next_page"

[comment]
method = "PUT"
path = "/api/v2/tickets/{ticket}.json"
body = { ticket = { comment = { body = "{from}: {interaction.text} {mark}", public = false } } }

[status]
method = "PUT"
path = "/api/v2/tickets/{ticket}.json"
body = { ticket = { status = "{status}" } }

[states]
active = "open"
closed = "solved"
"#;

fn conversation() -> Value {
    json!({"id": "conv/1", "state": "active", "resolved": true, "participants": [
        {"id": "bot-b", "direction": "outbound"},
        {"id": "u", "direction": "inbound", "profile": {"name": "Ann \"A\" {x}"}}]})
}

#[test]
fn a_whole_template_makes_requests() {
    let template = parse(WHOLE).unwrap_or_else(|faults| panic!("{faults:?}"));
    let conversation = conversation();
    let facts = Facts::of(&conversation).with_status("open");
    assert_eq!(
        template.find.call.path(&facts),
        "/api/v2/tickets.json?external_id=conv%2F1"
    );
    let body = template.create.call.body(&facts).unwrap();
    assert_eq!(
        body,
        json!({"ticket": {"external_id": "conv/1", "subject": "Chat {tlff2c1ab3787c0530760e1353} of Ann \"A\" {x}",
            "tags": ["trunkline", "active"], "priority": 3, "resolved": true, "status": "open"}})
    );
    let said = json!({"id": "i-1", "direction": "inbound", "text": "hi"});
    let facts = facts.with_ticket("77").with_interaction(&said);
    let comment = template.comment.unwrap();
    assert_eq!(
        (comment.method, comment.path(&facts).as_str()),
        (Method::Put, "/api/v2/tickets/77.json")
    );
    assert_eq!(
        comment.body(&facts).unwrap(),
        json!({"ticket": {"comment": {"body": "Customer: hi [i-1]", "public": false}}})
    );
    assert_eq!(template.states[&State::Closed], "solved");
    let listing = template.comments.unwrap();
    assert_eq!(listing.next.unwrap().of(&json!({"next_page": null})), None);
}

#[test]
fn what_is_not_known_is_a_dash_in_a_text_and_null_alone() {
    let template = parse(
        "[find]\npath = '/t/{customer.profile.email}'\nid = '/id'\n[create]\npath = '/t'\nid = '/id'\n\
         body = { a = '{customer.profile.email}', b = 'by {customer.profile.email}' }",
    );
    let template = template.unwrap();
    let conversation = conversation();
    let facts = Facts::of(&conversation);
    assert_eq!(template.find.call.path(&facts), "/t/-");
    assert_eq!(
        template.create.call.body(&facts).unwrap(),
        json!({"a": null, "b": "by -"})
    );
}

fn faults(source: &str) -> String {
    let faults: Vec<String> = parse(source)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    faults.join("\n")
}

#[test]
fn all_faults_come_at_once_with_their_places() {
    let source = r#"colour = "red"
[auth]
user = "U"
[find]
path = "tickets"
id = "id"
[create]
path = "/tickets/{ticket}"
body = { a = "{converstion.id}", b = "{", c = "{conversation}", d = "{key.x}", e = 2026-11-21 }
[comments]
path = "/c/{ticket}"
[comment]
method = "FETCH"
path = "/c/{status}"
body = { text = "{interaction.text}" }
[status]
path = "/s"
[states]
open = "x"
active = 1
"#;
    insta::assert_snapshot!(faults(source), @r#"
    1:1: unknown field `colour` in the template
      hint: known are auth, find, create, comments, comment, status, states
    2:1: [auth] must have `bearer`, or `user` and `password`
      hint: name environment variables: bearer = "DESK_TOKEN", or user = "DESK_USER" and password = "DESK_PASSWORD"
    5:8: path must begin with /
      hint: the host is that of --to
    8:18: `{ticket}` is not known here
      hint: known are conversation, customer, key, changed_at, status
    9:15: `{converstion}` is not known here
      hint: did you mean `conversation`?
    9:39: a single `{` in a text
      hint: write {conversation.id} for a value, {{ and }} for braces
    9:48: `{conversation}` is more than one value
      hint: name one of them, such as {conversation.id}
    9:70: `{key}` has no parts
      hint: write {key}
    9:84: body can't have a date in it
      hint: put it in quotes
    10:1: [comments] has no `list`
      hint: add list = "/comments"
    10:1: [comments] has no `text`
      hint: add text = "/body"
    13:10: method must be one of GET, POST, PUT, PATCH
    14:12: `{status}` is not known here
      hint: known are conversation, customer, key, changed_at, ticket, interaction, from, mark
    16:1: [status] has no `states` to go by
      hint: say what the system calls the states: states = { active = "open", closed = "solved" }
    19:1: unknown state `open` in [states]
      hint: known are queued, pending, active, closed, ended
    20:10: active must be a text, not a number
      hint: put it in quotes
    "#);
}

#[test]
fn a_template_without_anything_says_what_it_needs() {
    insta::assert_snapshot!(faults(""), @r"
    1:1: the template has no `create`
      hint: add [create] with path and id
    1:1: the template has no `find`
      hint: add [find] with path and id
    ");
    assert!(parse(&"#".repeat(MAX_FILE_BYTES + 1)).is_err());
}

#[test]
fn bodies_are_bounded_in_depth() {
    let body = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let source = format!("[find]\npath='/'\nid='/id'\n[create]\npath='/'\nid='/id'\nbody={body}");
    assert!(faults(&source).contains("nested deeper"), "{}", faults(&source));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[\\[\\]a-z{}=\"/.\n ]{0,200}") {
        let _ = parse(&text);
        let _ = text::Text::parse(&text, &["conversation", "mark"]);
    }
}

#[test]
fn a_template_is_another_when_its_tickets_are_elsewhere_and_not_when_they_look_otherwise() {
    let whole = parse(WHOLE).unwrap();
    assert_eq!(
        whole.identity(),
        "GET /api/v2/tickets.json?external_id={conversation.id}\nPOST /api/v2/tickets.json"
    );
    let other_look = WHOLE.replace("priority = 3", "priority = 4");
    assert_eq!(parse(&other_look).unwrap().identity(), whole.identity());
    let elsewhere = WHOLE.replace("?external_id={conversation.id}", "?external_id={{{key}}}");
    assert_eq!(
        parse(&elsewhere).unwrap().identity(),
        "GET /api/v2/tickets.json?external_id={{{key}}}\nPOST /api/v2/tickets.json"
    );
}
