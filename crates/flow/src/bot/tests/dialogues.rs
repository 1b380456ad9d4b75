use super::*;
use std::time::Duration;

#[test]
fn the_demo_tracks_an_order_until_it_is_resolved() {
    insta::assert_snapshot!(transcript(&demo(), 1, &["where is my oder?", "ab-12345", "yes", "Yes, thank you"]), @r#"
    bot: Welcome! I am the support bot.
    bot: I can track an order, explain refunds and tell you when our stores are open. [Track my order] [I want a refund] [Opening hours]
    me: where is my oder?  <track_order 0.96>
    bot: Please tell me your order number, like AB-12345.
    me: ab-12345
    order_number = "AB-12345"
    bot: AB-12345, is that right? [Yes] [No]
    me: yes
    number_is_right = "yes"
    status = "shipped"
    bot: Let me see.
    bot: (500 ms) Order AB-12345 has been shipped and arrives tomorrow.
    bot: Did that solve it? [Yes] [No]
    me: Yes, thank you
    is_solved = "yes"
    resolve
    bot: Great, I have marked this as resolved. Have a good day!
    "#);
}

#[test]
fn the_demo_takes_a_number_that_is_said_at_once() {
    insta::assert_snapshot!(transcript(&demo(), 2, &["where is my order cd-54321", "that's it", "it is not resolved"]), @r#"
    bot: Hi, I am the support bot.
    bot: I can track an order, explain refunds and tell you when our stores are open. [Track my order] [I want a refund] [Opening hours]
    me: where is my order cd-54321  <track_order 1.00>
    order_number = "CD-54321"
    bot: CD-54321, is that right? [Yes] [No]
    me: that's it
    number_is_right = "yes"
    status = "packed"
    bot: Let me see.
    bot: (500 ms) Order CD-54321 is being packed and leaves our store today.
    bot: Did that solve it? [Yes] [No]
    me: it is not resolved
    is_solved = "no"
    unresolve
    bot: I am sorry. Tell me more, or say "agent" and a human takes over.
    "#);
}

#[test]
fn a_number_that_was_said_with_the_question_is_not_asked_for() {
    insta::assert_snapshot!(transcript(&demo(), 2, &["where's my package zz-00000", "yes", "CD-11111"]), @r#"
    bot: Hi, I am the support bot.
    bot: I can track an order, explain refunds and tell you when our stores are open. [Track my order] [I want a refund] [Opening hours]
    me: where's my package zz-00000  <track_order 0.94>
    order_number = "ZZ-00000"
    bot: ZZ-00000, is that right? [Yes] [No]
    me: yes
    number_is_right = "yes"
    bot: I cannot find order ZZ-00000.
    order_number = null
    bot: What is your order number? It looks like AB-12345.
    me: CD-11111
    order_number = "CD-11111"
    number_is_right = null
    bot: CD-11111, is that right? [Yes] [No]
    "#);
}

#[test]
fn the_demo_answers_something_else_and_asks_again() {
    insta::assert_snapshot!(transcript(&demo(), 3, &["track my order", "when are you open?", "no idea", "repeat", "ZZ-00000", "right", "cancel"]), @r#"
    bot: Hello! I am the support bot.
    bot: I can track an order, explain refunds and tell you when our stores are open. [Track my order] [I want a refund] [Opening hours]
    me: track my order  <track_order 1.00>
    bot: Please tell me your order number, like AB-12345.
    me: when are you open?  <store_hours 1.00>
    bot: Our stores are open Monday to Saturday, 9:00 to 18:00.
    bot: (300 ms) On Sundays they are closed; I am here all the same.
    bot: Please tell me your order number, like AB-12345.
    me: no idea
    bot: That does not look like an order number. It is two letters, a dash and five digits, like AB-12345.
    me: repeat  <repeat 1.00>
    bot: That does not look like an order number. It is two letters, a dash and five digits, like AB-12345.
    me: ZZ-00000
    order_number = "ZZ-00000"
    bot: ZZ-00000, is that right? [Yes] [No]
    me: right
    number_is_right = "yes"
    bot: I cannot find order ZZ-00000.
    order_number = null
    bot: Please tell me your order number, like AB-12345.
    me: cancel  <cancel 1.00>
    number_is_right = null
    bot: All right, I have dropped that. What else can I do for you?
    "#);
}

#[test]
fn the_demo_hands_over_to_a_human() {
    insta::assert_snapshot!(transcript(&demo(), 4, &["blurb", "flarp", "hello?"]), @r"
    bot: Hi, I am the support bot.
    bot: I can track an order, explain refunds and tell you when our stores are open. [Track my order] [I want a refund] [Opening hours]
    me: blurb
    bot: Sorry, I did not understand that. [Track my order] [I want a refund] [Opening hours]
    me: flarp
    bot: I am handing you over to one of our agents.
    escalate: asked for an agent, needs one, or was not understood
    me: hello?
    ");
    insta::assert_snapshot!(transcript(&demo(), 4, &["I want a refund", "this is RIDICULOUS"]), @r"
    bot: Hi, I am the support bot.
    bot: I can track an order, explain refunds and tell you when our stores are open. [Track my order] [I want a refund] [Opening hours]
    me: I want a refund  <refund 1.00>
    bot: You can send anything back within 30 days; we refund it within 5 days of its arrival.
    bot: The label for the parcel is in your account, under Orders.
    bot: Did that solve it? [Yes] [No]
    me: this is RIDICULOUS  <angry 1.00>
    bot: I am sorry for the trouble. One of our agents takes over.
    escalate: the customer is angry
    ");
    insta::assert_snapshot!(transcript(&demo(), 4, &["track my order", "x", "y", "z"]), @r"
    bot: Hi, I am the support bot.
    bot: I can track an order, explain refunds and tell you when our stores are open. [Track my order] [I want a refund] [Opening hours]
    me: track my order  <track_order 1.00>
    bot: What is your order number? It looks like AB-12345.
    me: x
    bot: That does not look like an order number. It is two letters, a dash and five digits, like AB-12345.
    me: y
    bot: That does not look like an order number. It is two letters, a dash and five digits, like AB-12345.
    me: z
    bot: I am handing you over to one of our agents.
    escalate: asked for an agent, needs one, or was not understood
    ");
}

#[test]
fn resolved_is_what_a_step_says_not_what_a_text_says() {
    let bot = demo();
    for no in [
        "it is not resolved",
        "unresolved",
        "my problem is not solved",
        "it isn't resolved",
        "resolved? never",
        "is it resolved? no",
        "it is nto resolved",
        "it is unresolvd",
        "it is broken",
        "everything is terrible now",
    ] {
        let (mut dialogue, _) = Dialogue::begin(&bot, 1);
        assert!(
            !dialogue.hear(&bot, no, &Value::Null).contains(&Act::Resolve),
            "{no}"
        );
        let (mut dialogue, _) = Dialogue::begin(&bot, 1);
        dialogue.hear(&bot, "thanks", &Value::Null);
        assert!(
            !dialogue.hear(&bot, no, &Value::Null).contains(&Act::Resolve),
            "{no}, when asked"
        );
    }
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    assert!(
        dialogue
            .hear(&bot, "It is resolved.", &Value::Null)
            .contains(&Act::Resolve)
    );
}

#[test]
fn silence_is_asked_about_and_then_ends_the_conversation() {
    let bot = demo();
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    dialogue.hear(&bot, "track my order", &Value::Null);
    assert_eq!(dialogue.idle_after(&bot), Some(Duration::from_secs(300)));
    assert_eq!(shown(&dialogue.idle(&bot)), "bot: Are you still there?\n");
    assert_eq!(dialogue.covered(), ["step:still_there", "idle:1"]);
    assert_eq!(dialogue.idle_after(&bot), Some(Duration::from_secs(300)));
    // The question is still open, and an answer begins the silence anew.
    let mut answered = dialogue.clone();
    assert!(shown(&answered.hear(&bot, "AB-12345", &Value::Null)).starts_with("order_number = \"AB-12345\""));
    assert_eq!(answered.idle_after(&bot), Some(Duration::from_secs(300)));
    assert!(dialogue.idle(&bot).contains(&Act::Close));
    assert_eq!(dialogue.idle_after(&bot), None);
    assert_eq!(dialogue.idle(&bot), []);
}

const CALLING: &str = r#"
    [slot.number]
    type = "integer"
    prompt = "number?"
    [slot.status]
    type = "text"
    [step.first]
    ask = "number"
    next = "fetch"
    [step.fetch]
    call = { method = "POST", url = "https://shop.example/orders/{number}?q=a{status}", body = { n = "{number}", t = "no {number}", l = [1, true] }, set = { status = "order.states.0" }, on_error = "sorry" }
    next = [{ when = 'has(slots.status)', step = "told" }, { step = "sorry" }]
    [step.told]
    say = "It is {status}."
    [step.sorry]
    say = "I could not find out."
"#;

#[test]
fn a_call_out_goes_on_with_its_answer() {
    let bot = small(CALLING);
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    dialogue.hear(&bot, "go", &Value::Null);
    let acts = dialogue.hear(&bot, "7", &Value::Null);
    assert_eq!(
        shown(&acts),
        "number = 7\ncall 1 of fetch: POST https://shop.example/orders/7?q=a {\"l\":[1,true],\"n\":7,\"t\":\"no 7\"}\n"
    );
    assert_eq!(dialogue.awaits_call(), Some(1));
    let answer = |number, answer| CallOutcome { number, answer };
    // Kept and taken up again by another process.
    let kept = serde_json::to_string(&dialogue).unwrap();
    let mut dialogue: Dialogue = serde_json::from_str(&kept).unwrap();
    assert_eq!(dialogue.called(&bot, answer(2, None)), []);
    let acts = dialogue.called(&bot, answer(1, Some(json!({"order": {"states": ["packed"]}}))));
    assert_eq!(shown(&acts), "status = \"packed\"\nbot: It is packed.\n");
    assert_eq!(dialogue.steps_walked(), ["fetch", "told"]);
    // Twice is once.
    assert_eq!(dialogue.called(&bot, answer(1, Some(json!({})))), []);
}

#[test]
fn a_call_out_without_an_answer_goes_where_the_file_says() {
    let bot = small(CALLING);
    for answer in [
        None,
        Some(json!({"order": 1})),
        Some(json!(null)),
        Some(json!({"order": {"states": [{"a": 1}]}})),
    ] {
        let (mut dialogue, _) = Dialogue::begin(&bot, 1);
        dialogue.hear(&bot, "go", &Value::Null);
        dialogue.hear(&bot, "7", &Value::Null);
        let acts = dialogue.called(&bot, CallOutcome { number: 1, answer });
        assert_eq!(shown(&acts), "bot: I could not find out.\n");
    }
}

#[test]
fn who_speaks_during_a_call_out_gives_it_up() {
    let bot = small(CALLING);
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    dialogue.hear(&bot, "go", &Value::Null);
    dialogue.hear(&bot, "7", &Value::Null);
    assert_eq!(shown(&dialogue.hear(&bot, "hm", &Value::Null)), "bot: what?\n");
    assert_eq!(
        dialogue.called(
            &bot,
            CallOutcome {
                number: 1,
                answer: Some(Value::Null)
            }
        ),
        []
    );
}

#[test]
fn who_was_handed_over_while_a_call_went_out_hears_no_answer_of_it_but_it_is_kept() {
    let text = CALLING.replace("ask = \"number\"", "set = { number = 7 }") + HANDS_OVER;
    let bot = small(&text);
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    let asked = dialogue.hear(&bot, "go", &Value::Null);
    assert!(matches!(asked.last(), Some(Act::Call { .. })), "{asked:?}");
    let left = dialogue.idle(&bot);
    assert!(matches!(left.last(), Some(Act::Escalate { .. })), "{left:?}");
    let answer = Some(json!({"order": {"states": ["packed"]}}));
    let acts = dialogue.called(&bot, CallOutcome { number: 1, answer });
    assert_eq!(shown(&acts), "status = \"packed\"\n");
}

const HANDS_OVER: &str = r#"
    [step.left]
    escalate = "silence"
    [[idle]]
    after_s = 60
    step = "left"
"#;

#[test]
fn values_in_an_address_stay_within_their_part_of_it() {
    let bot = small(
        r#"
        [slot.id]
        type = "text"
        prompt = "id?"
        [step.first]
        ask = "id"
        next = "fetch"
        [step.fetch]
        call = { url = "https://shop.example/a/{id}/b", on_error = "end" }
        [step.end]
        say = "end"
    "#,
    );
    let asked = |id: &str| {
        let (mut dialogue, _) = Dialogue::begin(&bot, 1);
        dialogue.hear(&bot, "go", &Value::Null);
        let acts = dialogue.hear(&bot, id, &Value::Null);
        match acts.last() {
            Some(Act::Call { request, .. }) => request.url.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        asked("../../x?y=z#ü@"),
        "https://shop.example/a/..%2F..%2Fx%3Fy%3Dz%23%C3%BC%40/b"
    );
    assert_eq!(asked(".."), "https://shop.example/a//b");
}

#[test]
fn slots_can_come_from_the_context() {
    let bot = small(
        r#"
        [slot.first_name]
        type = "text"
        context = "metadata.names.0"
        [step.first]
        next = [{ when = 'context.vip == true', step = "vip" }, { step = "usual" }]
        [step.vip]
        say = "Welcome back, {first_name}!"
        [step.usual]
        say = "Hello {first_name}."
    "#,
    );
    let context = json!({"metadata": {"names": ["Dana"]}, "vip": true});
    let (mut dialogue, acts) = Dialogue::begin_in(&bot, 1, &context);
    assert_eq!(shown(&acts), "first_name = \"Dana\"\n");
    assert_eq!(
        shown(&dialogue.hear(&bot, "go", &context)),
        "bot: Welcome back, Dana!\n"
    );
    assert_eq!(
        shown(&dialogue.hear(&bot, "go", &json!({"vip": "perhaps"}))),
        "bot: Hello Dana.\n"
    );
}

#[test]
fn a_bot_that_goes_in_circles_is_stopped() {
    let bot = small(
        r#"
        [slot.n]
        type = "text"
        prompt = "n?"
        [step.first]
        set = { n = "x" }
        next = "second"
        [step.second]
        ask = "n"
        next = "first"
    "#,
    );
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    let acts = dialogue.hear(&bot, "go", &Value::Null);
    assert_eq!(
        acts.last(),
        Some(&Act::Escalate {
            reason: "the bot went in circles".into()
        })
    );
    assert_eq!(dialogue.steps_walked().len(), MAX_STEPS_PER_TURN);
    assert!(dialogue.is_handed_over());
}

#[test]
fn variants_come_by_the_seed() {
    let bot = demo();
    let greetings: std::collections::BTreeSet<_> = (0..50)
        .map(|seed| Dialogue::begin(&bot, seed).1[0].said().unwrap().to_owned())
        .collect();
    assert_eq!(greetings.len(), 3);
    assert_eq!(Dialogue::begin(&bot, 5), Dialogue::begin(&bot, 5));
}

#[test]
fn a_dialogue_goes_on_with_a_changed_file() {
    let bot = demo();
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    dialogue.hear(&bot, "track my order", &Value::Null);
    let changed = small("[step.first]\nsay = \"first\"");
    assert_eq!(
        shown(&dialogue.hear(&changed, "go", &Value::Null)),
        "bot: first\n"
    );
}

#[test]
fn what_was_reached_is_named_like_what_can_be_reached() {
    let bot = demo();
    let items = bot.coverage_items();
    assert!(items.contains(&"intent:track_order".to_owned()) && items.contains(&"idle:2".to_owned()));
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    dialogue.hear(&bot, "track my order", &Value::Null);
    assert_eq!(dialogue.covered(), ["intent:track_order", "step:ask_number"]);
    assert!(dialogue.covered().iter().all(|item| items.contains(item)));
    dialogue.hear(&bot, "blurb", &Value::Null);
    assert_eq!(dialogue.covered(), ["fallback"]);
}

#[test]
fn a_dialogue_does_not_show_what_was_said() {
    let bot = demo();
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    dialogue.hear(&bot, "where is my order AB-98765", &Value::Null);
    let shown = format!("{dialogue:?}");
    assert!(
        shown.contains("order_number") && !shown.contains("98765"),
        "{shown}"
    );
}

#[test]
fn the_demo_understands_people() {
    let bot = demo();
    let understood = |text: &str| {
        let (mut dialogue, _) = Dialogue::begin(&bot, 1);
        dialogue.hear(&bot, text, &Value::Null);
        dialogue.intent().unwrap_or("-").to_owned()
    };
    let table: Vec<String> = [
        "Where's my order?",
        "wheres my pakage",
        "Hi, where is my order please",
        "hello, I'd like to know where my package is",
        "can you track my parcel",
        "my order hasn't arrived yet",
        "I still have not received my order",
        "what's the status of order AB-12345?",
        "TRACK MY ORDER!!",
        "when do you open on saturday",
        "what time do you close",
        "opening hours?",
        "are you open today",
        "I'd like a refund for this jacket",
        "how can I return something",
        "give me my money back",
        "speak to a human please",
        "can I talk to someone",
        "get me an agent now",
        "let me talk to a real person",
        "never mind",
        "cancel that",
        "can you say that again?",
        "thanks a lot",
        "thank you!",
        "hey",
        "good evening",
        "my problem is solved now",
        "it is not resolved",
        "that didn't help at all",
        "you are useless",
        "what is the weather like",
        "do you sell shoes",
        "can I pay by card",
        "book me a flight to Paris",
        "how are you",
        "asdf",
        "yes",
        "I love you",
        "I want a pizza",
        "it is broken",
        "everything is broken now",
        "my problem is huge",
        "cancel my order",
        "where is my husband",
        "how do I reset my password",
        "what is your phone number",
        "are you a robot",
        "you are stupid",
        "bye",
        "can you help me",
        "it is nto resolved",
    ]
    .iter()
    .map(|text| format!("{text} -> {}", understood(text)))
    .collect();
    insta::assert_snapshot!(table.join("\n"), @r"
    Where's my order? -> track_order
    wheres my pakage -> track_order
    Hi, where is my order please -> track_order
    hello, I'd like to know where my package is -> track_order
    can you track my parcel -> track_order
    my order hasn't arrived yet -> track_order
    I still have not received my order -> track_order
    what's the status of order AB-12345? -> track_order
    TRACK MY ORDER!! -> track_order
    when do you open on saturday -> store_hours
    what time do you close -> store_hours
    opening hours? -> store_hours
    are you open today -> store_hours
    I'd like a refund for this jacket -> refund
    how can I return something -> refund
    give me my money back -> refund
    speak to a human please -> agent
    can I talk to someone -> agent
    get me an agent now -> agent
    let me talk to a real person -> agent
    never mind -> cancel
    cancel that -> cancel
    can you say that again? -> repeat
    thanks a lot -> thanks
    thank you! -> thanks
    hey -> greeting
    good evening -> greeting
    my problem is solved now -> solved
    it is not resolved -> not_solved
    that didn't help at all -> not_solved
    you are useless -> angry
    what is the weather like -> -
    do you sell shoes -> -
    can I pay by card -> -
    book me a flight to Paris -> -
    how are you -> greeting
    asdf -> -
    yes -> -
    I love you -> -
    I want a pizza -> -
    it is broken -> -
    everything is broken now -> -
    my problem is huge -> not_solved
    cancel my order -> cancel_order
    where is my husband -> -
    how do I reset my password -> -
    what is your phone number -> -
    are you a robot -> help
    you are stupid -> -
    bye -> goodbye
    can you help me -> help
    it is nto resolved -> not_solved
    ");
}

#[test]
fn what_is_repeated_is_what_was_said_before_however_often() {
    let bot = small(
        r#"
        [intent.repeat]
        examples = ["repeat that"]
        step = "again"
        [step.first]
        say = "It is seven."
        [step.again]
        say = "Of course:"
        repeat = true
    "#,
    );
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    assert_eq!(
        shown(&dialogue.hear(&bot, "go", &Value::Null)),
        "bot: It is seven.\n"
    );
    for _ in 0..3 {
        let again = dialogue.hear(&bot, "repeat that", &Value::Null);
        assert_eq!(shown(&again), "bot: Of course:\nbot: It is seven.\n");
    }
}
