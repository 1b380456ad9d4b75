use super::*;

fn row(label: &str, conversations: u64, resolved: u64) -> Row {
    let group = Group {
        from: "2026-11-20T00:00:00Z".parse().unwrap(),
        to: "2026-11-21T00:00:00Z".parse().unwrap(),
        conversations,
        resolved,
        resolution_rate: 0.5,
        contained: resolved,
        escalated: 1,
        turns: 3 * conversations,
        median_response_ms: Some(12.0),
        p95_response_ms: Some(1500.0),
    };
    Row::of(label.into(), &group)
}

fn of(rows: Vec<Row>) -> Report {
    Report {
        span: Span {
            from: "2026-11-14T00:00:00Z".parse().unwrap(),
            to: "2026-11-21T00:00:00Z".parse().unwrap(),
        },
        by: By::Bot,
        total: row("all", 30, 15),
        rows,
    }
}

#[test]
fn a_spreadsheet_has_a_line_for_each_row_and_one_for_all() {
    let report = of(vec![row("a,\"b\"", 10, 9), row("=cmd()", 20, 6)]);
    insta::assert_snapshot!(report.csv().replace("\r\n", "\n"), @r#"
    label,from,to,conversations,resolved,resolution_rate,resolution_low,resolution_high,contained,containment_rate,containment_low,containment_high,escalated,turns,median_response_ms,p95_response_ms
    "a,""b""",2026-11-20T00:00:00.000Z,2026-11-21T00:00:00.000Z,10,9,0.9000,0.5958,0.9821,9,0.9000,0.5958,0.9821,1,30,12.0,1500.0
    '=cmd(),2026-11-20T00:00:00.000Z,2026-11-21T00:00:00.000Z,20,6,0.3000,0.1455,0.5190,6,0.3000,0.1455,0.5190,1,60,12.0,1500.0
    all,2026-11-20T00:00:00.000Z,2026-11-21T00:00:00.000Z,30,15,0.5000,0.3315,0.6685,15,0.5000,0.3315,0.6685,1,90,12.0,1500.0
    "#);
}

#[test]
fn what_others_named_can_not_leave_its_place_in_the_page() {
    let hostile = "</script><script>alert(1)</script>\"'&";
    let page = of(vec![row(hostile, 10, 9)]).html();
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let page = of(vec![row("2026-11-20", 10, 9)]).html();
    for reference in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("90 % (60-98)"), "shares have their intervals");
}

#[test]
fn a_report_of_nothing_says_so() {
    let mut report = of(Vec::new());
    report.total = row("all", 0, 0);
    assert_eq!(report.total.resolution, None);
    assert!(report.html().contains("no conversations in this time"));
    assert!(report.csv().lines().count() == 2);
}

#[test]
fn many_rows_are_drawn_in_part_and_listed_all() {
    let rows: Vec<Row> = (0..1_000)
        .map(|number| row(&format!("hour {number}"), 5, 1))
        .collect();
    let page = of(rows).html();
    assert_eq!(page.matches("<g class=\"column\"").count(), 3 * 400);
    assert_eq!(page.matches("<th scope=\"row\">").count(), 1_001);
}
