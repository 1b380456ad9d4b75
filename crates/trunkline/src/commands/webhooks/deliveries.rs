//! What is sent, was sent, or was given up.

use crate::{
    Done,
    cli::{DeliveryState, StoreArgs, WebhooksListArgs, WebhooksReplayArgs},
    config::Config,
    output::Output,
    platform,
};
use anyhow::{Result, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Value, json};
use store::{Item, ItemFilter, ItemId, ItemState, Store};
use webhooks::{Callback, EndpointId};
use wire::UtcTime;

/// Items that are read at once.
const PAGE: usize = 50;
/// Most replayed deliveries that an audit entry names.
const MOST_TOLD: usize = 100;

pub(super) async fn list(args: WebhooksListArgs, config: &Config, output: &Output) -> Result<Done> {
    let endpoint = whole(args.endpoint.as_deref())?;
    let store = platform::existing_store(&args.store, config).await?;
    let filter = ItemFilter {
        states: args
            .state
            .iter()
            .flat_map(|state| states(*state))
            .copied()
            .collect(),
        before: args.before.map(ItemId),
        ..to(endpoint.as_ref())
    };
    let items = newest(&store, filter, args.limit.into()).await?;
    store.close().await;
    if items.is_empty() {
        output.line("there are no such deliveries");
    } else {
        output.line(table(&items));
    }
    let deliveries: Vec<_> = items.iter().map(to_json).collect();
    output.json(&json!({"deliveries": deliveries}));
    Ok(Done::Well)
}

/// A delivery and where it goes.
struct Delivery {
    item: Item,
    /// The address that a callback's request named; an endpoint has its own.
    callback: Option<Callback>,
}

impl From<Item> for Delivery {
    fn from(item: Item) -> Self {
        let callback = Callback::of(&item);
        Self { item, callback }
    }
}

impl Delivery {
    /// The endpoint's id, or the callback's address.
    fn to(&self) -> &str {
        match &self.callback {
            Some(callback) => callback.url.as_str(),
            None => webhooks::endpoint_of(&self.item.queue),
        }
    }

    /// Its body, which may be large, is not needed.
    fn without_body(mut self) -> Self {
        self.item.body = String::new();
        if let Some(callback) = &mut self.callback {
            callback.body = String::new();
        }
        self
    }

    fn body(&self) -> Value {
        let body = self
            .callback
            .as_ref()
            .map_or(&self.item.body, |callback| &callback.body);
        serde_json::from_str(body).unwrap_or_else(|_| body.clone().into())
    }
}

async fn newest(store: &Store, mut filter: ItemFilter, most: usize) -> Result<Vec<Delivery>> {
    let mut found: Vec<Delivery> = Vec::new();
    while found.len() < most {
        let wanted = PAGE.min(most - found.len());
        let page = store.items(&filter, wanted).await?;
        let is_last = page.len() < wanted;
        filter.before = page.last().map(|item| item.id);
        found.extend(page.into_iter().map(|item| Delivery::from(item).without_body()));
        if is_last {
            break;
        }
    }
    Ok(found)
}

pub(super) async fn show(id: i64, args: &StoreArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(args, config).await?;
    let filter = ItemFilter {
        id: Some(ItemId(id)),
        ..to(None)
    };
    let found = store.items(&filter, 1).await?.pop();
    store.close().await;
    let Some(item) = found else {
        bail!("there is no delivery {id}; 'trunkline webhooks list' shows those there are");
    };
    let delivery = Delivery::from(item);
    output.line(story(&delivery));
    let mut shown = to_json(&delivery);
    shown["body"] = delivery.body();
    output.json(&shown);
    Ok(Done::Well)
}

pub(super) async fn replay(args: WebhooksReplayArgs, config: &Config, output: &Output) -> Result<Done> {
    let endpoint = whole(args.endpoint.as_deref())?;
    let store = platform::existing_store(&args.store, config).await?;
    let mut replayed = 0;
    let mut which = json!({"state": "dead", "endpoint": args.endpoint});
    let mut again = Vec::new();
    let mut missing = Vec::new();
    if args.dead {
        let filter = ItemFilter {
            states: vec![ItemState::Dead],
            ..to(endpoint.as_ref())
        };
        replayed = store.replay(&filter).await?;
    }
    for id in &args.ids {
        let filter = ItemFilter {
            id: Some(ItemId(*id)),
            ..to(None)
        };
        match store.replay(&filter).await? {
            0 => missing.push(*id),
            count => {
                replayed += count;
                again.push(*id);
            }
        }
    }
    if !args.dead {
        again.truncate(MOST_TOLD);
        which = json!({"ids": again});
    }
    which["deliveries"] = replayed.into();
    platform::note_in_audit(&store, "webhook.replayed", None, which).await?;
    output.line(match replayed {
        1 => "1 delivery is sent again".to_owned(),
        count => format!("{count} deliveries are sent again"),
    });
    for id in &missing {
        output.note(format!(
            "{id} is not there, or not done and not dead: nothing to send again"
        ));
    }
    output.json(&json!({"replayed": replayed, "refused": missing}));
    platform::close_signed(store, &args.store, config).await?;
    Ok(if missing.is_empty() {
        Done::Well
    } else {
        Done::Failed
    })
}

/// An endpoint's id, which must not be shortened: others may begin the same.
fn whole(endpoint: Option<&str>) -> Result<Option<EndpointId>> {
    let id = endpoint.map(str::parse::<EndpointId>).transpose()?;
    if let Some(short) = id.as_ref().filter(|id| !id.is_whole()) {
        bail!("{short} is not a whole id; 'trunkline webhooks endpoints list' shows them");
    }
    Ok(id)
}

/// Deliveries to one endpoint, or to all. Whole ids are equally long: none begins with another.
fn to(endpoint: Option<&EndpointId>) -> ItemFilter {
    ItemFilter {
        queue_prefix: Some(webhooks::queue_prefix(endpoint.map(EndpointId::as_str))),
        ..ItemFilter::default()
    }
}

fn states(state: DeliveryState) -> &'static [ItemState] {
    match state {
        DeliveryState::Waiting => &[ItemState::Ready, ItemState::Behind],
        DeliveryState::Held => &[ItemState::Held],
        DeliveryState::Done => &[ItemState::Done],
        DeliveryState::Dead => &[ItemState::Dead],
    }
}

fn name(state: ItemState) -> &'static str {
    match state {
        ItemState::Ready => "waiting",
        ItemState::Behind => "behind",
        ItemState::Held => "held",
        ItemState::Done => "done",
        ItemState::Dead => "dead",
    }
}

fn table(deliveries: &[Delivery]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "id", "to", "event", "subject", "state", "failures", "when", "error",
    ]);
    for delivery in deliveries {
        let item = &delivery.item;
        table.add_row([
            item.id.0.to_string(),
            delivery.to().to_owned(),
            format!("{}/{}", item.effect.source, item.effect.event),
            item.subject.clone().unwrap_or_default(),
            name(item.state).to_owned(),
            item.failures.to_string(),
            time(item.finished_ms.unwrap_or(item.due_ms)),
            item.error.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// A delivery in lines.
fn story(delivery: &Delivery) -> String {
    let item = &delivery.item;
    let kind = if delivery.callback.is_some() {
        "callback to"
    } else {
        "endpoint"
    };
    let mut lines = vec![
        ("delivery", item.id.0.to_string()),
        (kind, delivery.to().to_owned()),
        ("webhook-id", webhooks::message_id(&item.effect)),
        (
            "event",
            format!("{} of {}", item.effect.event, item.effect.source),
        ),
        ("state", name(item.state).to_owned()),
        ("failures", item.failures.to_string()),
        ("accepted", time(item.created_ms)),
    ];
    lines.extend(item.subject.clone().map(|subject| ("subject", subject)));
    lines.push(match item.finished_ms {
        Some(at) => ("finished", time(at)),
        None => ("due", time(item.due_ms)),
    });
    lines.extend(item.error.clone().map(|error| ("last error", error)));
    lines.extend(item.result.clone().map(|result| ("result", result)));
    let mut told: Vec<_> = lines
        .iter()
        .map(|(name, value)| format!("{name:<11} {value}"))
        .collect();
    told.push(format!("\n{:#}", delivery.body()));
    told.join("\n")
}

fn to_json(delivery: &Delivery) -> Value {
    let item = &delivery.item;
    let mut told = json!({
        "id": item.id.0, "webhookId": webhooks::message_id(&item.effect),
        "source": item.effect.source, "event": item.effect.event, "subject": item.subject, "state": name(item.state),
        "failures": item.failures, "acceptedAt": time(item.created_ms), "dueAt": time(item.due_ms),
        "finishedAt": item.finished_ms.map(time), "error": item.error, "result": item.result,
    });
    let to = if delivery.callback.is_some() {
        "callbackUrl"
    } else {
        "endpoint"
    };
    told[to] = delivery.to().into();
    told
}

fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| UtcTime::from(at).to_string())
}
