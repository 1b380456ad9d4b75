use super::*;
use crate::conversations::{CaseResult, Fuzzed, RunOutcome, Tested, fuzzing::Found};
use flow::scenario::{
    Came, Coverage, Heard, Part, RunReport, Scenario, Sent, TurnOutcome, Verdict,
    expect::{Miss, MissKind},
    fuzz::{Fault, Finding},
    stats::tally,
};

fn came(at_ms: u64, text: &str) -> Came {
    Came {
        at_ms,
        after_ms: at_ms - 10,
        is_late: false,
        heard: Heard {
            text: text.into(),
            intent: Some("track_order".into()),
            buttons: vec![flow::scenario::Button {
                label: "Yes & no".into(),
                value: "y".into(),
            }],
            ..Heard::default()
        },
    }
}

fn turn(number: usize, said: &str, misses: Vec<Miss>) -> TurnOutcome {
    TurnOutcome {
        part: Part::Turns,
        number,
        line: number + 2,
        deed: format!("say \"{said}\""),
        sent: vec![Sent {
            at_ms: 10,
            text: said.into(),
        }],
        answers: vec![came(90, "Your <order>\nis \u{1b}[2J & late")],
        verdict: if misses.is_empty() {
            Verdict::Passed
        } else {
            Verdict::Failed
        },
        misses,
        notes: vec![],
        response_ms: Some(80),
        standing: None,
    }
}

fn result(name: &str, turns: Vec<TurnOutcome>) -> CaseResult {
    let has_failed = turns.iter().any(|turn| turn.verdict == Verdict::Failed);
    let report = RunReport {
        verdict: if has_failed {
            Verdict::Failed
        } else {
            Verdict::Passed
        },
        turns,
        opening: vec![],
        broken: None,
        broken_by: None,
        notes: vec![],
        first_answer_ms: Some(80),
        took_ms: 1234,
        resolved: !has_failed,
        escalated: false,
        is_closed: true,
    };
    let scenario = Scenario::new(name, vec![]);
    let run = RunOutcome {
        conversation: Some("conv-1".into()),
        seed: 7,
        report,
    };
    CaseResult {
        scenario: scenario.clone().into(),
        file: "demo/a&b.yaml".into(),
        line: 1,
        name: name.into(),
        tags: vec!["orders".into()],
        seed: 0,
        tally: tally(&scenario, 1, &[&run.report]),
        runs: vec![run],
        retried: vec![],
    }
}

fn miss() -> Miss {
    Miss {
        kind: MissKind::Unmet,
        expected: "an answer that contains \"</script><b>\"".into(),
        got: "\"Your <order>\"".into(),
    }
}

fn tested() -> Tested {
    let good = result("Good", vec![turn(1, "hello", vec![])]);
    let bad = result(
        "Bad <i>",
        vec![turn(1, "hello", vec![]), turn(2, "where?", vec![miss()])],
    );
    let mut coverage = Coverage::new(["intent:track_order", "step:ask_<number>"].map(String::from));
    coverage.note(&good.runs[0].report);
    let found = Found {
        dialogue: 7,
        messages: vec!["<b>refund</b>".into(), "cancel".into()],
        finding: Finding {
            fault: Fault::Silent,
            turn: 2,
            told: "no answer to say \"cancel\"".into(),
        },
        run: bad.runs[0].clone(),
    };
    Tested {
        started_at: "2026-11-21T09:30:00.000Z".parse().unwrap(),
        took_ms: 2500,
        platform: "a centre in this process".into(),
        perturbed: vec!["typos".into()],
        results: vec![good, bad],
        coverage: Some(coverage),
        fuzzed: Some(Fuzzed {
            dialogues: 40,
            seed: 3,
            failed: 1,
            broken: None,
            found: vec![found],
        }),
        was_interrupted: false,
    }
}

#[test]
fn the_junit_report_is_what_a_ci_reads() {
    insta::assert_snapshot!(junit(&tested()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="trunkline bot test" tests="3" failures="2" errors="0" time="2.500">
      <testsuite name="demo/a&amp;b.yaml" tests="2" failures="1" time="2.468" timestamp="2026-11-21T09:30:00.000Z">
        <testcase name="Good" classname="demo/a&amp;b.yaml" file="demo/a&amp;b.yaml" line="1" time="1.234">
          <system-out>     0.0 s customer: hello
         0.0 s      bot: Your &lt;order&gt; / is �[2J &amp; late  [Yes &amp; no]  [track_order]</system-out>
        </testcase>
        <testcase name="Bad &lt;i&gt;" classname="demo/a&amp;b.yaml" file="demo/a&amp;b.yaml" line="1" time="1.234">
          <failure message="say &quot;where?&quot;: expected an answer that contains &quot;&lt;/script&gt;&lt;b&gt;&quot;, got &quot;Your &lt;order&gt;&quot;">line 4, say &quot;where?&quot;
      expected: an answer that contains &quot;&lt;/script&gt;&lt;b&gt;&quot;
      got:      &quot;Your &lt;order&gt;&quot;</failure>
          <system-out>     0.0 s customer: hello
         0.0 s      bot: Your &lt;order&gt; / is �[2J &amp; late  [Yes &amp; no]  [track_order]
         0.0 s customer: where?
         0.0 s      bot: Your &lt;order&gt; / is �[2J &amp; late  [Yes &amp; no]  [track_order]
           expected: an answer that contains &quot;&lt;/script&gt;&lt;b&gt;&quot;
                got: &quot;Your &lt;order&gt;&quot;</system-out>
        </testcase>
      </testsuite>
      <testsuite name="fuzz" tests="1" failures="1" errors="0" timestamp="2026-11-21T09:30:00.000Z">
        <testcase name="dialogue 7" classname="fuzz" time="1.234">
          <failure message="no answer to say &quot;cancel&quot;">say: &lt;b&gt;refund&lt;/b&gt;
    say: cancel</failure>
          <system-out>     0.0 s customer: hello
         0.0 s      bot: Your &lt;order&gt; / is �[2J &amp; late  [Yes &amp; no]  [track_order]
         0.0 s customer: where?
         0.0 s      bot: Your &lt;order&gt; / is �[2J &amp; late  [Yes &amp; no]  [track_order]
           expected: an answer that contains &quot;&lt;/script&gt;&lt;b&gt;&quot;
                got: &quot;Your &lt;order&gt;&quot;</system-out>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn the_junit_report_of_made_up_dialogues_alone_has_a_case_that_passed_or_an_error() {
    let mut tested = tested();
    tested.results.clear();
    let fuzzed = tested.fuzzed.as_mut().unwrap();
    (fuzzed.failed, fuzzed.found) = (0, vec![]);
    insta::assert_snapshot!(junit(&tested), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="trunkline bot test" tests="1" failures="0" errors="0" time="2.500">
      <testsuite name="fuzz" tests="1" failures="0" errors="0" timestamp="2026-11-21T09:30:00.000Z">
        <testcase name="40 made-up dialogues, seed 3" classname="fuzz"/>
      </testsuite>
    </testsuites>
    "#);
    assert!(tested.is_well());
    tested.fuzzed.as_mut().unwrap().broken = Some("it can't be <reached>".into());
    let xml = junit(&tested);
    assert!(xml.contains(r#"tests="1" failures="0" errors="1""#), "{xml}");
    assert!(
        xml.contains(r#"<error message="it can&#39;t be &lt;reached&gt;"/>"#),
        "{xml}"
    );
    assert!(!tested.is_well());
    assert!(html(&tested).contains("<h1>Made-up dialogues could not be held</h1>"));
}

#[test]
fn the_transcript_around_a_failure_has_the_turn_before_it() {
    let tested = tested();
    let lines: Vec<String> = around(&tested.results[1].runs[0].report)
        .iter()
        .map(Line::plain)
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    0.0 s customer: hello
    0.0 s      bot: Your <order> / is �[2J & late  [Yes & no]  [track_order]
    0.0 s customer: where?
    0.0 s      bot: Your <order> / is �[2J & late  [Yes & no]  [track_order]
      expected: an answer that contains "</script><b>"
           got: "Your <order>"
    "#);
}

#[test]
fn the_page_needs_no_network_and_shows_texts_as_texts() {
    let page = html(&tested());
    for outside in ["http://", "https://", " src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    // The page's own, and no other.
    assert_eq!(page.matches("</script>").count(), 1);
    for raw in ["Bad <i>", "<order>", "<b>refund", "\u{1b}", "ask_<number>"] {
        assert!(!page.contains(raw), "{raw}");
    }
    for text in [
        "<h1>1 of 2 scenarios failed</h1>",
        "an answer that contains &quot;&lt;/script&gt;&lt;b&gt;&quot;",
        "Bad &lt;i&gt;",
        "Yes &amp; no",
        "1 of 2 intents and steps",
        "no answer to say &quot;cancel&quot;",
        "<option>orders</option>",
        "3 answers: half within 80 ms, 95 % within 80 ms, the slowest after 80 ms.",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // What failed comes first, and is open.
    assert!(page.find("Bad &lt;i&gt;") < page.find("<span class=\"name\">Good"));
    assert_eq!(page.matches("<details open>").count(), 1);
}

#[test]
fn the_headline_says_how_it_went() {
    let headline = |tested: &Tested| {
        let page = html(tested);
        let from = page.find("<h1>").unwrap() + 4;
        page[from..page.find("</h1>").unwrap()].to_owned()
    };
    let mut tested = tested();
    tested.results.pop();
    assert_eq!(headline(&tested), "The bot fails in 1 made-up dialogue");
    tested.fuzzed = None;
    assert_eq!(headline(&tested), "The scenario passed");
    tested.results.push(tested.results[0].clone());
    assert_eq!(headline(&tested), "All 2 scenarios passed");
    tested.was_interrupted = true;
    assert_eq!(headline(&tested), "Interrupted: 2 of 2 scenarios passed");
}
