//! `trunkline webhooks endpoints`.

use crate::{
    Done,
    cli::{EndpointAddArgs, EndpointArgs, EndpointsCommand, StoreArgs},
    config::Config,
    output::Output,
    platform,
};
use anyhow::{Context, Result};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Value, json};
use store::Store;
use webhooks::{Endpoint, EndpointId, Endpoints, NewEndpoint, OVERLAP};

pub(super) async fn run(command: EndpointsCommand, config: &Config, output: &Output) -> Result<Done> {
    match command {
        EndpointsCommand::List { store } => list(&store, config, output).await,
        EndpointsCommand::Add(args) => add(args, config, output).await,
        EndpointsCommand::Remove(args) => remove(args, config, output).await,
        EndpointsCommand::Enable(args) => {
            let (store, id) = open(&args, config).await?;
            let changed = Endpoints::new(store.clone()).enable(&id).await?;
            tell(&changed, "is enabled", output);
            close(store, &args.store, config).await
        }
        EndpointsCommand::Disable(args) => {
            let (store, id) = open(&args, config).await?;
            let endpoints = Endpoints::new(store.clone());
            let changed = endpoints.disable(&id, "at the command line").await?;
            tell(&changed, "is disabled", output);
            close(store, &args.store, config).await
        }
        EndpointsCommand::Rotate(args) => {
            let (store, id) = open(&args, config).await?;
            let changed = Endpoints::new(store.clone()).rotate(&id, None, OVERLAP).await?;
            tell_secret(&changed, output);
            output.note("the old secret signs beside it for 24 h");
            close(store, &args.store, config).await
        }
    }
}

async fn open(args: &EndpointArgs, config: &Config) -> Result<(Store, EndpointId)> {
    let id = args.id.parse().context("the endpoint")?;
    Ok((platform::existing_store(&args.store, config).await?, id))
}

async fn close(store: Store, args: &StoreArgs, config: &Config) -> Result<Done> {
    platform::close_signed(store, args, config).await?;
    Ok(Done::Well)
}

async fn list(args: &StoreArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(args, config).await?;
    let endpoints = Endpoints::new(store.clone()).list().await?;
    store.close().await;
    if endpoints.is_empty() {
        output.line("there are no endpoints; add one: trunkline webhooks endpoints add URL");
    } else {
        output.line(table(&endpoints));
    }
    let shown: Vec<_> = endpoints.iter().map(to_json).collect();
    output.json(&json!({"endpoints": shown}));
    Ok(Done::Well)
}

async fn add(args: EndpointAddArgs, config: &Config, output: &Output) -> Result<Done> {
    let events = if args.events.is_empty() {
        vec!["*".to_owned()]
    } else {
        args.events
    };
    let new = NewEndpoint::parse(&args.url, &args.description, &events, None)?;
    let store = platform::store(&args.store, config).await?;
    let endpoint = Endpoints::new(store.clone()).add(new).await?;
    tell_secret(&endpoint, output);
    close(store, &args.store, config).await
}

async fn remove(args: EndpointArgs, config: &Config, output: &Output) -> Result<Done> {
    let (store, id) = open(&args, config).await?;
    Endpoints::new(store.clone()).remove(&id).await?;
    output.line(format!("{id} is removed"));
    output.json(&json!({"removed": id.as_str()}));
    close(store, &args.store, config).await
}

fn tell(endpoint: &Endpoint, what: &str, output: &Output) {
    output.line(format!("{} {what}", endpoint.id));
    output.json(&to_json(endpoint));
}

/// The one time that a secret is shown.
fn tell_secret(endpoint: &Endpoint, output: &Output) {
    output.line(format!("endpoint {}", endpoint.id));
    output.line(format!("secret   {}", endpoint.secret.expose()));
    let mut shown = to_json(endpoint);
    shown["secret"] = endpoint.secret.expose().into();
    output.json(&shown);
}

fn table(endpoints: &[Endpoint]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["id", "url", "events", "state", "description"]);
    for endpoint in endpoints {
        table.add_row([
            endpoint.id.to_string(),
            endpoint.url.to_string(),
            endpoint.events.to_texts().join(" "),
            match &endpoint.disabled {
                None => "enabled".to_owned(),
                Some(disabled) => format!("disabled: {}", disabled.why),
            },
            endpoint.description.clone(),
        ]);
    }
    table
}

fn to_json(endpoint: &Endpoint) -> Value {
    json!({
        "id": endpoint.id.as_str(), "url": endpoint.url.as_str(), "events": endpoint.events.to_texts(),
        "description": endpoint.description, "enabled": endpoint.is_enabled(), "createdAt": endpoint.created,
        "disabled": endpoint.disabled.as_ref().map(|disabled| json!({"why": disabled.why, "at": disabled.at})),
        "rotating": endpoint.previous.is_some(),
    })
}
