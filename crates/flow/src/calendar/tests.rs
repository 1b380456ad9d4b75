use super::*;
use jiff::civil::Weekday;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn calendar(zone: &str) -> Calendar {
    Calendar::new(zone, WorkingTime::default()).unwrap()
}

fn at(text: &str) -> UtcTime {
    text.parse().unwrap()
}

/// Each case: zone, wall clock and offset at the start, what is due, and the same of the due date.
fn check(cases: &[(&str, &str, &str, &str)]) {
    for (zone, from, due, expected) in cases {
        let calendar = calendar(zone);
        let reckoned = calendar.due(at(from), &due.parse().unwrap()).unwrap();
        let zoned = reckoned.timestamp().to_zoned(calendar.zone.clone());
        assert_eq!(
            zoned.strftime("%a %F %H:%M%:z").to_string(),
            *expected,
            "{zone}: {due} after {from}"
        );
    }
}

#[test]
fn days_keep_the_wall_clock_and_hours_do_not() {
    check(&[
        // Summer time begins in Berlin on 29 March 2026 at 02:00.
        (
            "Europe/Berlin",
            "2026-03-28T12:00:00+01:00",
            "1 day",
            "Sun 2026-03-29 12:00+02:00",
        ),
        (
            "Europe/Berlin",
            "2026-03-28T12:00:00+01:00",
            "24 hours",
            "Sun 2026-03-29 13:00+02:00",
        ),
        (
            "Europe/Berlin",
            "2026-03-28T02:30:00+01:00",
            "1 day",
            "Sun 2026-03-29 03:30+02:00",
        ),
        (
            "Europe/Berlin",
            "2026-03-28T02:30:00+01:00",
            "2 days",
            "Mon 2026-03-30 02:30+02:00",
        ),
        // ... and ends on 25 October at 03:00.
        (
            "Europe/Berlin",
            "2026-10-24T12:00:00+02:00",
            "1 day",
            "Sun 2026-10-25 12:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-10-24T12:00:00+02:00",
            "24 hours",
            "Sun 2026-10-25 11:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-10-24T02:30:00+02:00",
            "1 day",
            "Sun 2026-10-25 02:30+02:00",
        ),
        (
            "Europe/Berlin",
            "2026-10-25T02:30:00+01:00",
            "1 day",
            "Mon 2026-10-26 02:30+01:00",
        ),
        (
            "America/New_York",
            "2026-03-07T02:30:00-05:00",
            "1 day",
            "Sun 2026-03-08 03:30-04:00",
        ),
        (
            "America/New_York",
            "2026-03-07T17:00:00-05:00",
            "1 day",
            "Sun 2026-03-08 17:00-04:00",
        ),
        (
            "America/New_York",
            "2026-10-31T01:30:00-04:00",
            "1 day",
            "Sun 2026-11-01 01:30-04:00",
        ),
        (
            "America/New_York",
            "2026-10-31T12:00:00-04:00",
            "24 hours",
            "Sun 2026-11-01 11:00-05:00",
        ),
        // Half an hour only: 4 October 2026 at 02:00 forward, 5 April 2026 at 02:00 back.
        (
            "Australia/Lord_Howe",
            "2026-10-03T02:15:00+10:30",
            "1 day",
            "Sun 2026-10-04 02:45+11:00",
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00+10:30",
            "24 hours",
            "Sun 2026-10-04 12:30+11:00",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T01:45:00+11:00",
            "1 day",
            "Sun 2026-04-05 01:45+11:00",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T12:00:00+11:00",
            "24 hours",
            "Sun 2026-04-05 11:30+10:30",
        ),
        (
            "Europe/Berlin",
            "2026-11-21T09:30:00+01:00",
            "3 days at 12:00",
            "Tue 2026-11-24 12:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-21T09:30:00+01:00",
            "1 day at 24:00",
            "Mon 2026-11-23 00:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-03-28T12:00:00+01:00",
            "1 day at 02:30",
            "Sun 2026-03-29 03:30+02:00",
        ),
        (
            "UTC",
            "2026-02-28T09:30:00Z",
            "1 day",
            "Sun 2026-03-01 09:30+00:00",
        ),
        (
            "UTC",
            "2026-02-28T09:30:00Z",
            "90 minutes",
            "Sat 2026-02-28 11:00+00:00",
        ),
    ]);
}

#[test]
fn business_days_skip_weekends_and_begin_at_the_opening() {
    check(&[
        (
            "Europe/Berlin",
            "2026-11-20T15:00:00+01:00",
            "1 business day",
            "Mon 2026-11-23 15:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-20T17:00:00+01:00",
            "1 business day",
            "Tue 2026-11-24 09:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-21T12:00:00+01:00",
            "1 business day",
            "Tue 2026-11-24 09:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-23T07:00:00+01:00",
            "1 business day",
            "Tue 2026-11-24 09:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-20T15:00:00+01:00",
            "2 business days at 17:00",
            "Tue 2026-11-24 17:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-03-27T15:00:00+01:00",
            "1 business day",
            "Mon 2026-03-30 15:00+02:00",
        ),
        (
            "America/New_York",
            "2026-10-30T15:00:00-04:00",
            "1 business day",
            "Mon 2026-11-02 15:00-05:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-20T15:00:00+01:00",
            "5 business days",
            "Fri 2026-11-27 15:00+01:00",
        ),
    ]);
}

#[test]
fn business_hours_are_working_time() {
    check(&[
        (
            "Europe/Berlin",
            "2026-11-20T15:00:00+01:00",
            "2 business hours",
            "Fri 2026-11-20 17:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-20T15:00:00+01:00",
            "3 business hours",
            "Mon 2026-11-23 10:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-21T03:00:00+01:00",
            "1 business hour",
            "Mon 2026-11-23 10:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-20T08:00:00+01:00",
            "8 business hours",
            "Fri 2026-11-20 17:00+01:00",
        ),
        (
            "Europe/Berlin",
            "2026-03-27T16:00:00+01:00",
            "2 business hours",
            "Mon 2026-03-30 10:00+02:00",
        ),
        (
            "Europe/Berlin",
            "2026-11-20T16:50:00+01:00",
            "20 business minutes",
            "Mon 2026-11-23 09:10+01:00",
        ),
    ]);
}

#[test]
fn holidays_are_no_business_days() {
    let christmas = BTreeSet::from(["2026-12-25".parse().unwrap(), "2026-12-28".parse().unwrap()]);
    let days = [Weekday::Monday, Weekday::Thursday, Weekday::Friday];
    let working = WorkingTime::new(&days, TimeOfDay::hour(8), TimeOfDay::hour(24), christmas).unwrap();
    let calendar = Calendar::new("Europe/Berlin", working).unwrap();
    let reckon = |due: &str| {
        calendar
            .due(at("2026-12-24T23:00:00+01:00"), &due.parse().unwrap())
            .unwrap()
    };
    assert_eq!(reckon("1 business day"), at("2026-12-31T23:00:00+01:00"));
    assert_eq!(reckon("1 business hour"), at("2026-12-25T00:00:00+01:00"));
    assert_eq!(reckon("2 business hours"), at("2026-12-31T09:00:00+01:00"));
    assert_eq!(reckon("1 business day at 24:00"), at("2027-01-01T00:00:00+01:00"));
}

#[test]
fn hours_that_the_clock_skips_or_repeats_are_counted_as_they_are() {
    let days = [Weekday::Saturday, Weekday::Sunday, Weekday::Monday];
    let night = WorkingTime::new(&days, TimeOfDay::hour(1), TimeOfDay::hour(4), BTreeSet::new()).unwrap();
    let calendar = Calendar::new("Europe/Berlin", night).unwrap();
    let reckon = |from: &str, due: &str| calendar.due(at(from), &due.parse().unwrap()).unwrap();
    // Two hours on the night of March, four on that of October.
    assert_eq!(
        reckon("2026-03-29T00:00:00+01:00", "3 business hours"),
        at("2026-03-30T02:00:00+02:00")
    );
    assert_eq!(
        reckon("2026-10-25T00:00:00+02:00", "4 business hours"),
        at("2026-10-25T04:00:00+01:00")
    );
    // 02:30 is not there on Sunday.
    assert_eq!(
        reckon("2026-03-28T02:30:00+01:00", "1 business day"),
        at("2026-03-29T03:30:00+02:00")
    );
    let gone = WorkingTime::new(
        &days,
        "2:00".parse().unwrap(),
        "3:00".parse().unwrap(),
        BTreeSet::new(),
    )
    .unwrap();
    let calendar = Calendar::new("Europe/Berlin", gone).unwrap();
    let monday = calendar
        .due(
            at("2026-03-28T02:30:00+01:00"),
            &"1 business day".parse().unwrap(),
        )
        .unwrap();
    assert_eq!(monday, at("2026-03-30T02:30:00+02:00"));
}

#[test]
fn what_does_not_say_when_is_told_how_to() {
    let error = |text: &str| text.parse::<Due>().unwrap_err().to_string();
    for wrong in [
        "",
        "soon",
        "day",
        "1",
        "1 month",
        "-1 day",
        "+1 day",
        "1.5 days",
        "1 day at",
        "1 day at noon x",
        "1 business",
        "1 business week",
        "1 day 2",
        "1 business day at 17:00 UTC",
        "１ day",
    ] {
        assert!(
            error(wrong).starts_with(&format!(
                "must say when, not {wrong:?}; write it like \"4 hours\""
            )),
            "{wrong}: {}",
            error(wrong)
        );
    }
    insta::assert_snapshot!(error("0 days"), @"must be 1 to 3660 days, not 0");
    insta::assert_snapshot!(error("3661 days"), @"must be 1 to 3660 days, not 3661");
    insta::assert_snapshot!(error("99999999999999999999 hours"), @"must be 1 to 87840 hours, not 99999999999999999999");
    insta::assert_snapshot!(error("2 hours at 12:00"), @"must not name a time of day with hours; name one with days, or leave it out");
    for wrong in [
        "25:00", "24:01", "12:60", "12:5", "noon", "012:00", "+1:00", ":00",
    ] {
        assert_eq!(
            error(&format!("1 day at {wrong}")),
            format!("must be a time of day like 09:00 or 17:30, not {wrong:?}")
        );
    }
}

#[test]
fn an_unknown_zone_is_told_its_likely_name() {
    let error = |zone: &str| {
        Calendar::new(zone, WorkingTime::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("Europe/Berln"),
        "there is no time zone \"Europe/Berln\"; did you mean `Europe/Berlin`?"
    );
    assert_eq!(
        error("CEST (summer)"),
        "there is no time zone \"CEST (summer)\"; write it like Europe/Berlin or UTC"
    );
    assert_eq!(calendar("europe/berlin").zone_name(), "Europe/Berlin");
}

#[test]
fn working_time_has_a_day_and_an_hour() {
    let (nine, ten) = (TimeOfDay::hour(9), TimeOfDay::hour(10));
    assert_eq!(WorkingTime::new(&[], nine, ten, BTreeSet::new()), None);
    assert_eq!(
        WorkingTime::new(&[Weekday::Monday], ten, nine, BTreeSet::new()),
        None
    );
    assert_eq!(
        WorkingTime::new(&[Weekday::Monday], nine, nine, BTreeSet::new()),
        None
    );
}

#[test]
fn what_is_said_to_be_reached_is_reached() {
    // One working day a week, and it is a holiday for years.
    let first: Date = "2026-01-05".parse().unwrap();
    let holidays = (0..100).map(|week| later(first, week * 7).unwrap()).collect();
    let working = WorkingTime::new(
        &[Weekday::Monday],
        TimeOfDay::hour(9),
        TimeOfDay::hour(10),
        holidays,
    )
    .unwrap();
    let calendar = Calendar::new("UTC", working).unwrap();
    let most = (1..=3660)
        .take_while(|days| calendar.reaches(&format!("{days} business days").parse().unwrap()))
        .last()
        .unwrap();
    assert!((400..=422).contains(&most), "{most}");
    for unit in ["days", "hours"] {
        let due = calendar
            .due(
                at("2026-01-05T12:00:00Z"),
                &format!("{most} business {unit}").parse().unwrap(),
            )
            .unwrap();
        let days = due
            .timestamp()
            .duration_since(at("2026-01-05T12:00:00Z").timestamp())
            .as_hours()
            / 24;
        assert!((days as u32) <= MAX_DAYS, "{days}");
    }
    assert!(calendar.reaches(&"3660 days".parse().unwrap()));
    assert!(!calendar.reaches(&"87840 business hours".parse().unwrap()));
}

#[test]
fn the_ends_of_time_are_no_panic() {
    let calendar = calendar("America/New_York");
    for end in [Timestamp::MAX, Timestamp::MIN] {
        for due in [
            "3660 days",
            "1 day at 24:00",
            "87840 hours",
            "1 business day",
            "9 business hours",
        ] {
            let _ = calendar.due(end.into(), &due.parse().unwrap());
        }
    }
    assert_eq!(
        calendar.due(Timestamp::MAX.into(), &"1 hour".parse().unwrap()),
        Err(CalendarError::TooFar)
    );
}

const ZONES_TRIED: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
];

/// A moment of 2026 or 2027, in milliseconds.
fn moment() -> impl Strategy<Value = UtcTime> {
    (1_767_225_600_000i64..1_830_297_600_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap().into())
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    let week = prop::collection::vec(0..7i8, 1..7);
    let hours = (0u16..1440).prop_flat_map(|from| (Just(from), from + 1..=1440));
    let holidays = prop::collection::btree_set(0u32..730, 0..40);
    (prop::sample::select(ZONES_TRIED.to_vec()), week, hours, holidays).prop_map(
        |(zone, week, (from, to), holidays)| {
            let days: Vec<Weekday> = week
                .into_iter()
                .map(|day| Weekday::from_monday_zero_offset(day).unwrap())
                .collect();
            let clock = |minutes: u16| {
                format!("{:02}:{:02}", minutes / 60, minutes % 60)
                    .parse()
                    .unwrap()
            };
            let first: Date = "2026-01-01".parse().unwrap();
            let holidays = holidays
                .into_iter()
                .map(|day| later(first, day).unwrap())
                .collect();
            Calendar::new(
                zone,
                WorkingTime::new(&days, clock(from), clock(to), holidays).unwrap(),
            )
            .unwrap()
        },
    )
}

fn business() -> impl Strategy<Value = Due> {
    prop_oneof![
        (1u32..60).prop_map(|days| format!("{days} business days").parse().unwrap()),
        (1u32..200).prop_map(|hours| format!("{hours} business hours").parse().unwrap()),
        (1u32..600).prop_map(|minutes| format!("{minutes} business minutes").parse().unwrap()),
    ]
}

proptest! {
    #[test]
    fn business_ends_in_working_time(calendar in any_calendar(), from in moment(), due in business()) {
        prop_assume!(calendar.reaches(&due));
        let end = calendar.due(from, &due).unwrap();
        prop_assert!(end > from);
        // An end at 24:00 is the next day's midnight.
        let day = calendar.wall_clock(end).date();
        let works = [day, day.yesterday().unwrap()].into_iter().any(|day| {
            calendar.hours_of(day).unwrap().is_some_and(|(open, close)| (open..=close).contains(&end.timestamp()))
        });
        prop_assert!(works, "{end}");
    }

    #[test]
    fn business_minutes_are_the_working_time_between(calendar in any_calendar(), from in moment(), minutes in 1u32..3000) {
        let due: Due = format!("{minutes} business minutes").parse().unwrap();
        prop_assume!(calendar.reaches(&due));
        let end = calendar.due(from, &due).unwrap().timestamp();
        let from = from.timestamp();
        let mut worked = SignedDuration::ZERO;
        let first = calendar.zone.to_datetime(from).date().yesterday().unwrap();
        for passed in 0..=MAX_DAYS {
            let day = later(first, passed).unwrap();
            if calendar.zone.to_ambiguous_timestamp(day.to_datetime(Time::midnight())).compatible().unwrap() > end {
                break;
            }
            if let Some((open, close)) = calendar.hours_of(day).unwrap() {
                worked += close.min(end).duration_since(open.max(from)).max(SignedDuration::ZERO);
            }
        }
        prop_assert_eq!(worked, SignedDuration::from_mins(minutes.into()));
    }

    #[test]
    fn who_begins_later_on_the_wall_clock_is_not_due_earlier(
        calendar in any_calendar(), one in moment(), other in moment(), due in prop_oneof![business(),
            (1u32..30).prop_map(|days| format!("{days} days").parse().unwrap()),
            (1u32..30).prop_map(|days| format!("{days} days at 12:00").parse().unwrap()),
            (1u32..300).prop_map(|hours| format!("{hours} hours").parse().unwrap())]
    ) {
        prop_assume!(calendar.reaches(&due));
        let (first, second) = (one.min(other), one.max(other));
        prop_assume!(calendar.wall_clock(first) <= calendar.wall_clock(second));
        prop_assert!(calendar.due(first, &due).unwrap() <= calendar.due(second, &due).unwrap());
    }

    #[test]
    fn days_add_up(zone in prop::sample::select(ZONES_TRIED.to_vec()), from in moment(), n in 1u32..400, m in 1u32..400) {
        let calendar = calendar(zone);
        let days = |from, days: u32| calendar.due(from, &format!("{days} days").parse().unwrap()).unwrap();
        let between = days(from, n);
        // But where the clock skips the time of the day in between.
        prop_assume!(calendar.wall_clock(between).time() == calendar.wall_clock(from).time());
        prop_assert_eq!(days(between, m), days(from, n + m));
    }

    #[test]
    fn business_days_and_minutes_add_up(calendar in any_calendar(), from in moment(), n in 1u32..100, m in 1u32..100) {
        for unit in ["days", "minutes"] {
            let due = |count: u32| format!("{count} business {unit}").parse::<Due>().unwrap();
            prop_assume!(calendar.reaches(&due(n + m)));
            let between = calendar.due(from, &due(n)).unwrap();
            let start = UtcTime::from(calendar.next_open(from.timestamp()).unwrap());
            let kept = calendar.wall_clock(between).time() == calendar.wall_clock(start).time();
            prop_assume!(kept || unit == "minutes");
            // At the moment of closing, the next opening is meant.
            prop_assume!(calendar.next_open(between.timestamp()).unwrap() == between.timestamp() || unit == "minutes");
            prop_assert_eq!(calendar.due(between, &due(m)).unwrap(), calendar.due(from, &due(n + m)).unwrap());
        }
    }

    #[test]
    fn no_text_makes_reading_a_due_date_panic(text in any::<String>()) {
        let _ = text.parse::<Due>();
        let _ = text.parse::<TimeOfDay>();
    }
}
