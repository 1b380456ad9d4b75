//! `trunkline serve`.

use super::signals::{asked_to_end, end_at_once_when_asked_again};
use crate::{Done, cli::ServeArgs, config::Config, output::Output, platform};
use ::store::{Notary, write_private};
use anyhow::{Context, Result};
use serde_json::json;
use service::{Options, Retention, Service};
use std::net::{Ipv4Addr, SocketAddr};

const PORT: u16 = 8650;

pub(crate) async fn run(args: ServeArgs, config: Config, output: &Output) -> Result<Done> {
    let store = platform::store(&args.store, &config).await?;
    let folder = platform::audit_folder(&args.store, &config);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("the data folder {} can't be used", folder.display()))?;
    let notary = Notary::open(store.clone(), &folder).await?;
    let env_file = args.env_file.clone();
    let service = Service::start(store.clone(), notary, options(args, config)).await?;
    if let Some(file) = env_file {
        let line = format!("TRUNKLINE_SERVE_URL={}\n", service.url());
        write_private(&file, line.as_bytes())
            .with_context(|| format!("the environment file {} can't be written", file.display()))?;
    }
    introduce(&service, output);
    asked_to_end().await;
    output.note("\nfinishing what is under way ... (Ctrl-C again ends at once)");
    end_at_once_when_asked_again();
    service.close().await;
    store.close().await;
    Ok(Done::Well)
}

fn options(args: ServeArgs, config: Config) -> Options {
    let serve = config.serve;
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let defaults = Retention::default();
    Options {
        listen: args.listen.or(serve.listen).unwrap_or(local),
        sources: serve.sources,
        schedule: serve.schedule.unwrap_or_default(),
        allow_hosts: if args.allow_host.is_empty() {
            serve.allow_hosts
        } else {
            args.allow_host
        },
        retention: Retention {
            events_days: serve.keep_days.unwrap_or(defaults.events_days),
            audit_days: serve.keep_audit_days.or(defaults.audit_days),
        },
    }
}

fn introduce(service: &Service, output: &Output) {
    output.line(format!("The service answers at {}", service.url()));
    let sources: Vec<_> = service.sources().collect();
    if sources.is_empty() {
        output.line("It takes no events yet: name who may send them in trunkline.toml, [[serve.source]].");
    }
    for source in &sources {
        output.line(format!(
            "  events of {source}: POST {}/webhooks/{source}",
            service.url()
        ));
    }
    output.note("Ctrl-C ends it, after what is under way.");
    output.json(&json!({"url": service.url(), "sources": sources}));
}
