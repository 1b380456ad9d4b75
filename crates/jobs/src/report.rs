//! How conversations went: what share was resolved, what share contained, and how fast the answers were.
//!
//! A conversation belongs to the hour or day that it was created in, and counts once, there: so a share is of what could be resolved,
//! and never above the whole. The figures are the platform's (contract section 5, analytics).
//!
//! ```no_run
//! # async fn run(transport: client::Transport) -> Result<(), Box<dyn std::error::Error>> {
//! use jobs::report::{By, Span, report};
//!
//! let span = Span { from: "2026-11-14T00:00:00Z".parse()?, to: "2026-11-21T00:00:00Z".parse()? };
//! let report = report(&client::Conversations::new(&transport), By::Day, span).await?;
//! println!("{}", report.csv());
//! # Ok(()) }
//! ```

mod chart;
mod csv;
mod html;

pub use crate::page::time;

use client::{Conversations, Error};
use flow::share::Share;
use serde::Serialize;
use std::collections::BTreeSet;
use wire::{
    UtcTime,
    conversation::{
        Attribute, ConversationSummary, DetailsQuery, Filter, Group, LARGEST_PAGE, MOST_FILTERS, Operator,
        TimeGrouping,
    },
};

/// Most bots that are told apart; the others are put together.
pub const MOST_BOTS: usize = MOST_FILTERS;
/// Most pages that are looked through for bots.
const MOST_PAGES: usize = 1_000;

/// What conversations are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// The hour (of UTC) that they were created in.
    Hour,
    /// The day (of UTC).
    Day,
    /// The bot that answers.
    Bot,
    /// All of them in one.
    None,
}

/// Which conversations count: those created from one moment on and before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first moment.
    pub from: UtcTime,
    /// The first one that does not count any more.
    pub to: UtcTime,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Which conversations count.
    #[serde(flatten)]
    pub span: Span,
    /// What they are put together by.
    pub by: By,
    /// All of them.
    pub total: Row,
    /// The parts; none of [`By::None`]. Hours and days without a conversation are left out.
    pub rows: Vec<Row>,
}

/// Conversations that belong together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What it is called: an hour, a day, a bot.
    pub label: String,
    /// The beginning of its span.
    pub from: UtcTime,
    /// The end.
    pub to: UtcTime,
    /// How many conversations.
    pub conversations: u64,
    /// How many were resolved.
    pub resolved: u64,
    /// The share of those; none without conversations.
    pub resolution: Option<Share>,
    /// How many are over and were not handed to a person.
    pub contained: u64,
    /// The share of those.
    pub containment: Option<Share>,
    /// How many were handed to a person.
    pub escalated: u64,
    /// How many messages the customers sent.
    pub turns: u64,
    /// Half of them were answered within this, in milliseconds.
    pub median_response_ms: Option<f64>,
    /// 95 of 100 were answered within this, in milliseconds.
    #[serde(rename = "p95ResponseMs")]
    pub p95_response_ms: Option<f64>,
}

impl Row {
    fn of(label: String, group: &Group) -> Self {
        Self {
            label,
            from: group.from,
            to: group.to,
            conversations: group.conversations,
            resolved: group.resolved,
            resolution: Share::of(group.resolved, group.conversations),
            contained: group.contained,
            containment: Share::of(group.contained, group.conversations),
            escalated: group.escalated,
            turns: group.turns,
            median_response_ms: group.median_response_ms,
            p95_response_ms: group.p95_response_ms,
        }
    }

    /// How many messages the customers sent in one conversation, on average.
    pub fn turns_each(&self) -> Option<f64> {
        (self.conversations > 0).then(|| self.turns as f64 / self.conversations as f64)
    }
}

/// Asks a platform for a report.
pub async fn report(conversations: &Conversations, by: By, span: Span) -> Result<Report, Error> {
    let total = ask(conversations, span, TimeGrouping::None, Vec::new()).await?;
    let total = total.into_iter().next();
    let rows = match by {
        By::None => Vec::new(),
        By::Hour => grouped(conversations, span, TimeGrouping::Hour).await?,
        By::Day => grouped(conversations, span, TimeGrouping::Day).await?,
        By::Bot => by_bot(conversations, span).await?,
    };
    Ok(Report {
        span,
        by,
        total: Row::of("all".into(), &total.unwrap_or_else(|| nothing(span))),
        rows,
    })
}

async fn ask(
    conversations: &Conversations,
    span: Span,
    grouping: TimeGrouping,
    filters: Vec<Filter>,
) -> Result<Vec<Group>, Error> {
    let query = DetailsQuery {
        dimension: Some("conversation".into()),
        metric: Some("resolution".into()),
        time_grouping: grouping,
        date_from: span.from,
        date_to: span.to,
        filters,
    };
    Ok(conversations.details(&query).await?.groups)
}

async fn grouped(
    conversations: &Conversations,
    span: Span,
    grouping: TimeGrouping,
) -> Result<Vec<Row>, Error> {
    let groups = ask(conversations, span, grouping, Vec::new()).await?;
    let label = |group: &Group| match grouping {
        TimeGrouping::Hour => group.from.timestamp().strftime("%Y-%m-%d %H:00").to_string(),
        _ => group.from.timestamp().strftime("%Y-%m-%d").to_string(),
    };
    Ok(groups.iter().map(|group| Row::of(label(group), group)).collect())
}

/// A row for each bot, and one for what no bot answers, if there is such.
async fn by_bot(conversations: &Conversations, span: Span) -> Result<Vec<Row>, Error> {
    let bots = bots(conversations, span).await?;
    let mut rows = Vec::new();
    for bot in &bots {
        let groups = ask(
            conversations,
            span,
            TimeGrouping::None,
            vec![filter(Operator::Equal, bot)],
        )
        .await?;
        rows.extend(groups.iter().map(|group| Row::of(bot.clone(), group)));
    }
    let others = bots.iter().map(|bot| filter(Operator::NotEqual, bot)).collect();
    let groups = ask(conversations, span, TimeGrouping::None, others).await?;
    let others = groups.iter().map(|group| Row::of("(others)".into(), group));
    rows.extend(others);
    rows.retain(|row| row.conversations > 0);
    Ok(rows)
}

fn filter(operator: Operator, bot: &str) -> Filter {
    Filter {
        kind: Some("attribute".into()),
        operator,
        attribute: Attribute::BotId,
        value: bot.to_owned(),
    }
}

/// The bots of the conversations. A conversation that was created in the span changed in it or later.
async fn bots(conversations: &Conversations, span: Span) -> Result<BTreeSet<String>, Error> {
    let mut bots = BTreeSet::new();
    let mut changes = conversations.changes(Some(span.from), LARGEST_PAGE);
    for _ in 0..MOST_PAGES {
        let Some(page) = changes.next_page::<ConversationSummary>().await? else {
            break;
        };
        let is_of_span = |created: Option<UtcTime>| created.is_none_or(|at| span.from <= at && at < span.to);
        let listed = page
            .entities
            .into_iter()
            .filter(|one| is_of_span(one.created_date));
        bots.extend(listed.filter_map(|one| one.bot_id));
        if bots.len() >= MOST_BOTS {
            break;
        }
    }
    Ok(bots.into_iter().take(MOST_BOTS).collect())
}

fn nothing(span: Span) -> Group {
    Group {
        from: span.from,
        to: span.to,
        conversations: 0,
        resolved: 0,
        resolution_rate: 0.0,
        contained: 0,
        escalated: 0,
        turns: 0,
        median_response_ms: None,
        p95_response_ms: None,
    }
}

#[cfg(test)]
mod tests;
