//! `trunkline serve`.

use super::signals::{asked_to_end, end_at_once_when_asked_again};
use crate::{Done, cli::ServeArgs, config::Config, output::Output, platform};
use ::center::{Center, Completions, Destination};
use ::store::{Notary, Store, write_private};
use anyhow::{Context, Result};
use client::Transport;
use jobs::follow_up::{Rulebook, Rules};
use secrecy::ExposeSecret;
use serde_json::json;
use service::{FollowUp, Intake, Listening, Options, Retention, Service};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use url::Url;
use webhooks::EndpointId;

const PORT: u16 = 8650;

pub(crate) async fn run(args: ServeArgs, config: Config, output: &Output) -> Result<Done> {
    let rules_file = args.rules.clone().or(config.serve.rules.clone());
    let rules = match &rules_file {
        Some(file) => Rules::read(file)?,
        None => Rules::usual()?,
    };
    let store = platform::store(&args.store, &config).await?;
    let folder = platform::audit_folder(&args.store, &config);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("the data folder {} can't be used", folder.display()))?;
    let notary = Notary::open(store.clone(), &folder).await?;
    let completions = config.serve.completions.clone();
    let completions = completions.unwrap_or_else(|| service::completions(Vec::new()));
    let intake = Intake::new(store.clone(), config.serve.sources.clone(), completions)?;
    let (front, platform) = Front::open(&args, &config, &store, &intake).await?;
    let follow_up = FollowUp {
        platform,
        rules: Rulebook::new(rules),
        rush: intake.rush(),
        rules_file,
    };
    let service = Service::start(
        store.clone(),
        notary,
        options(&args, config, &front, &intake, follow_up),
    )
    .await?;
    if let Some(file) = &args.env_file {
        write_private(file, front.environment().as_bytes())
            .with_context(|| format!("the environment file {} can't be written", file.display()))?;
    }
    introduce(&front, &intake, output);
    asked_to_end().await;
    output.note("\nfinishing what is under way ... (Ctrl-C again ends at once)");
    end_at_once_when_asked_again();
    let notary = front.close(service).await;
    notary.sign().await?;
    store.close().await;
    Ok(Done::Well)
}

/// What listens: a center with the intake's routes beside its own, or the intake alone.
enum Front {
    Center(Box<Center>),
    Alone(Listening),
}

impl Front {
    /// Listens, and gives the way to the platform.
    async fn open(
        args: &ServeArgs,
        config: &Config,
        store: &Store,
        intake: &Intake,
    ) -> Result<(Self, Transport)> {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let listen = args.listen.or(config.serve.listen).unwrap_or(local);
        if let Some(url) = args.platform.as_ref().or(config.serve.platform.as_ref()) {
            let platform = platform::transport_of_url(url)?;
            return Ok((Self::Alone(intake.listen(listen).await?), platform));
        }
        let tenant = args.tenant.as_ref().or(config.center.tenant.as_ref());
        let data_dir = platform::data_dir(args.store.data_dir.clone(), config.data_dir.clone());
        let options = ::center::Options {
            listen,
            store: Some(store.clone()),
            purged_elsewhere: true,
            limits: args.limits.or(config.center.limits).unwrap_or_default(),
            allow_hosts: config.center.allow_hosts.clone(),
            admin_token: platform::admin_token(),
            beside: Some(intake.routes()),
            completions: Completions {
                to: Some(Destination::Here(intake.completions_path())),
                rate: args.completions,
                // The service does.
                deliver: false,
            },
            ..::center::Options::local(data_dir, platform::tenant(tenant.map(AsRef::as_ref))?)
        };
        let center = Center::start(options).await?;
        if let Some(secret) = center.environment().get("TRUNKLINE_WEBHOOK_SECRET") {
            intake.trust(secret.expose_secret().parse()?);
        }
        let platform = platform::transport_of_center(&center)?;
        Ok((Self::Center(Box::new(center)), platform))
    }

    fn url(&self) -> String {
        match self {
            Self::Center(center) => center.addresses().base_url(),
            Self::Alone(listening) => listening.url(),
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Center(center) => center.addresses().http,
            Self::Alone(listening) => listening.address(),
        }
    }

    /// The endpoint that the center's completions go to, here. Services that share a database share it, too.
    fn here(&self, path: &str) -> Option<(EndpointId, Url)> {
        let url = format!("{}{path}", self.url()).parse().ok()?;
        match self {
            Self::Center(_) => Some((Destination::Here(path.to_owned()).endpoint(), url)),
            Self::Alone(_) => None,
        }
    }

    /// The lines for other programs: the center's, and where the service is.
    fn environment(&self) -> String {
        let mut lines = match self {
            Self::Center(center) => center.environment().to_lines(),
            Self::Alone(_) => String::new(),
        };
        lines.push_str(&format!("TRUNKLINE_SERVE_URL={}\n", self.url()));
        lines
    }

    /// Ends both, after what is under way.
    async fn close(self, service: Service) -> Arc<Notary> {
        match self {
            Self::Center(center) => {
                // The steps under way need the center. What comes in meanwhile is kept for the next start.
                let notary = service.close().await;
                center.close().await;
                notary
            }
            Self::Alone(listening) => tokio::join!(service.close(), listening.close()).0,
        }
    }
}

fn options(args: &ServeArgs, config: Config, front: &Front, intake: &Intake, follow_up: FollowUp) -> Options {
    let serve = config.serve;
    let defaults = Retention::default();
    Options {
        schedule: serve.schedule.unwrap_or_default(),
        allow_hosts: if args.allow_host.is_empty() {
            serve.allow_hosts
        } else {
            args.allow_host.clone()
        },
        // Whoever can reach a service on loopback is on this machine already.
        allow_loopback: front.address().ip().is_loopback(),
        own_url: Some(front.url()),
        retention: Retention {
            events_days: serve.keep_days.unwrap_or(defaults.events_days),
            audit_days: serve.keep_audit_days.or(defaults.audit_days),
        },
        here: front.here(&intake.completions_path()),
        follow_up: Some(follow_up),
    }
}

fn introduce(front: &Front, intake: &Intake, output: &Output) {
    let url = front.url();
    output.line(format!("The service answers at {url}"));
    let completions = intake.completions_path();
    output.line(format!("  interactions that are over: POST {url}{completions}"));
    let sources: Vec<_> = intake.sources().collect();
    for source in &sources {
        output.line(format!("  events of {source}: POST {url}/webhooks/{source}"));
    }
    if let Front::Center(center) = front {
        output.line(format!(
            "The center in this process answers there, too; agents' desktops: {url}/agent/<id>"
        ));
        output.line("\nThe environment for its clients, to paste into a shell or .env:\n");
        output.line(center.environment().to_lines());
    }
    output.note("Ctrl-C ends it, after what is under way.");
    output.json(&json!({"url": url, "sources": sources, "completions": format!("{url}{completions}")}));
}
